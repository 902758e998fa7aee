"""Tests of the papers' image sets: the authors' own splits, or an error with advice."""

from pathlib import Path

import pytest
from support.image_sets import lay_out_celeba, open_split, split_names, touch

from bench_core.errors import BadInput
from bench_datasets.split_rules import by_number, last_of


@pytest.mark.parametrize(("images", "lists"), [("img_align_celeba", ""), ("Img/img_align_celeba", "Eval")])
def test_celeba_follows_the_official_partition(tmp_path: Path, images: str, lists: str) -> None:
    train, test = split_names("celeba", lay_out_celeba(tmp_path, images, lists))
    assert train == [f"{images}/000001.jpg", f"{images}/000002.jpg"]
    assert test == [f"{images}/000005.jpg", f"{images}/000006.jpg"]


def test_an_incomplete_celeba_is_refused(tmp_path: Path) -> None:
    lay_out_celeba(tmp_path)
    (tmp_path / "img_align_celeba" / "000005.jpg").unlink()
    with pytest.raises(BadInput, match=r"1 images that are not there, such as 'img_align_celeba/000005\.jpg'"):
        open_split("celeba", tmp_path, "test")
    (tmp_path / "list_eval_partition.txt").write_text("000001.jpg 7\n")
    with pytest.raises(BadInput, match="line 1: the split is '7'"):
        open_split("celeba", tmp_path, "test")
    (tmp_path / "list_eval_partition.txt").unlink()
    with pytest.raises(BadInput, match=r"There is no .*list_eval_partition\.txt"):
        open_split("celeba", tmp_path, "test")


def test_the_last_images_by_number_are_test(tmp_path: Path) -> None:
    touch(tmp_path, *(f"x/{i}.jpg" for i in range(12)))
    rule = last_of(12, num_test=3)
    assert rule(tmp_path, "train") == [f"x/{i}.jpg" for i in range(9)]
    assert rule(tmp_path, "test") == ["x/9.jpg", "x/10.jpg", "x/11.jpg"]
    with pytest.raises(BadInput, match="holds 12 images; the set has 30, of which the last 3 are test"):
        last_of(30, num_test=3)(tmp_path, "test")


def test_celeba_hq_prefers_lists_of_the_paper(tmp_path: Path) -> None:
    touch(tmp_path, "1.jpg", "2.jpg", "3.jpg")
    with pytest.raises(BadInput, match="holds 3 images; the set has 30000, of which the last 2000 are test"):
        open_split("celeba_hq", tmp_path, "test")
    (tmp_path / "split.csv").write_text("name,split\n1.jpg,test\n2.jpg,train\n3.jpg,train\n")
    assert split_names("celeba_hq", tmp_path) == (["2.jpg", "3.jpg"], ["1.jpg"])
    touch(tmp_path, "train/a.jpg", "test/b.jpg")
    assert split_names("celeba_hq", tmp_path) == (["train/a.jpg"], ["test/b.jpg"])


def test_ffhq_is_split_by_number_even_if_incomplete(tmp_path: Path) -> None:
    touch(tmp_path, "00000/00000.png", "59000/59999.png", "60000/60000.png", "69000/69999.png")
    assert split_names("ffhq", tmp_path) == (
        ["00000/00000.png", "59000/59999.png"],
        ["60000/60000.png", "69000/69999.png"],
    )


@pytest.mark.parametrize(
    ("extra", "text"),
    [
        ("70000.png", r"70000\.png has no number from 0 to 69999"),
        ("face.png", r"face\.png has no number"),
        ("thumbnails128x128/00001.png", r"image 1 twice: .*00001\.png and .*00001\.png"),
    ],
)
def test_files_that_are_not_ffhq_are_refused(tmp_path: Path, extra: str, text: str) -> None:
    touch(tmp_path, "images1024x1024/00001.png", extra)
    with pytest.raises(BadInput, match=text):
        open_split("ffhq", tmp_path, "train")


def test_a_split_without_images_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no image for the split 'test'; test is 5 to 9"):
        by_number(range(5, 10), last=9)(touch(tmp_path, "1.png"), "test")


@pytest.mark.parametrize(
    ("name", "train", "test"),
    [
        ("places2", "data_large", "val_large"),
        ("places2", "data_256_standard", "val_256"),
        ("places2", "train", "val"),
        ("paris_streetview", "paris_train_original", "paris_eval_gt"),
        ("paris_streetview", "paris_train_original", "paris_eval/paris_eval_gt"),
        ("paris_streetview", "paris_train_original", "paris_eval"),
    ],
)
def test_sets_in_subfolders_follow_the_authors_names(tmp_path: Path, name: str, train: str, test: str) -> None:
    touch(tmp_path, f"{train}/a/1.jpg", f"{test}/2.jpg", "other/3.jpg")
    if test == "paris_eval/paris_eval_gt":
        touch(tmp_path, "paris_eval/paris_eval_corrupted/2.jpg")
    assert split_names(name, tmp_path) == ([f"{train}/a/1.jpg"], [f"{test}/2.jpg"])


def test_both_splits_come_from_the_complete_layout(tmp_path: Path) -> None:
    touch(tmp_path, "val_large/1.jpg", "data_256/2.jpg", "val_256/3.jpg")
    assert split_names("places2", tmp_path) == (["data_256/2.jpg"], ["val_256/3.jpg"])


def test_a_test_set_alone_can_be_opened(tmp_path: Path) -> None:
    touch(tmp_path, "val_256/3.jpg")
    assert list(open_split("places2", tmp_path, "test").names) == ["val_256/3.jpg"]
    with pytest.raises(BadInput, match=r"no folder for the split 'train'\. Expected one of: data_large/, .*\n.*csail"):
        open_split("places2", tmp_path, "train")
