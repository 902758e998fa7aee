"""Tests of folders that are named after a split: they mean what they say, or the folder is refused."""

import re
from pathlib import Path

import pytest
from support.image_sets import open_split, split_names, touch
from support.shards import pack

from bench_core.errors import BadInput

LAYOUTS = {
    "train test": ("train", "test"),
    "train val": ("train", "val"),
    "train valid": ("train", "valid"),
    "training validation": ("training", "validation"),
    "train test val": ("train", "test"),
    "TRAIN Test VALIDATION": ("TRAIN", "Test"),
    "Train VAL": ("Train", "VAL"),
    "train val valid test": ("train", "test"),
    "train test extra": ("train", "test"),
}


@pytest.mark.parametrize("folders", LAYOUTS)
def test_folders_of_both_splits_divide_the_images(tmp_path: Path, folders: str) -> None:
    touch(tmp_path, "beside.png", *(f"{name}/{i}/{j}.png" for name in folders.split() for i in range(2) for j in "ab"))
    expected = [[f"{name}/{i}/{j}.png" for i in range(2) for j in "ab"] for name in LAYOUTS[folders]]
    assert list(split_names("folder", tmp_path)) == expected


@pytest.mark.parametrize("names", ["test", "val", "Test", "val test"])
def test_a_test_folder_alone_is_for_evaluation_only(tmp_path: Path, names: str) -> None:
    touch(tmp_path, *(f"{name}/{i}.png" for name in names.split() for i in range(10)))
    chosen = names.split()[-1]
    assert list(open_split("folder", tmp_path, "test").names) == [f"{chosen}/{i}.png" for i in range(10)]
    with pytest.raises(BadInput, match=f"has {chosen}/, but no folder for the split 'train'. Name the folders train/"):
        open_split("folder", tmp_path, "train")


@pytest.mark.parametrize(
    ("folders", "text"),
    [
        ("train", "has train/, but no folder for the split"),
        ("train cats", "has train/, but no folder for the split"),
        ("train Train test", "several folders for one split: Train/, train/"),
        ("train val valid", "several folders for one split: val/, valid/"),
        ("train2017 val2017", "train2017/, val2017/"),
        ("DIV2K_train_HR DIV2K_valid_HR", "DIV2K_train_HR/, DIV2K_valid_HR/"),
        ("trainA trainB testA", "testA/, trainA/, trainB/"),
        ("images/train images/val", "train/, val/"),
        ("cats/train cats/test dogs/train", "test/, train/"),
        ("photos test-set", "test-set/"),
    ],
)
def test_unclear_folders_are_refused_for_both_splits(tmp_path: Path, folders: str, text: str) -> None:
    touch(tmp_path, *(f"{name}/{i}.png" for name in folders.split() for i in range(10)))
    for split in ("train", "test"):
        with pytest.raises(BadInput, match=re.escape(text)) as refused:
            open_split("folder", tmp_path, split)
        assert "split.csv" in str(refused.value)
    (tmp_path / "split.csv").write_text(
        "name,split\n" + "".join(f"{folders.split()[0]}/{i}.png,{'test' if i else 'train'}\n" for i in range(3))
    )
    assert [len(part) for part in split_names("folder", tmp_path)] == [1, 2]


@pytest.mark.parametrize("folders", ["cats dogs", "contest latest", "strain terrain", "value evaluate"])
def test_other_folders_are_divided_by_name(tmp_path: Path, folders: str) -> None:
    touch(tmp_path, *(f"{name}/{i}.png" for name in folders.split() for i in range(20)))
    train, test = split_names("folder", tmp_path)
    assert len(train) + len(test) == 40 and {name[:3] for name in train} == {name[:3] for name in folders.split()}


def test_a_split_csv_comes_before_a_validation_folder(tmp_path: Path) -> None:
    touch(tmp_path, "train/a.png", "train/b.png", "val/c.png")
    (tmp_path / "split.csv").write_text("name,split\ntrain/a.png,train\ntrain/b.png,test\n")
    assert split_names("folder", tmp_path) == (["train/a.png"], ["train/b.png"])


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (["train/a.png", "test/a.png"], ""),
        (["train/a.png", "val/a.png"], "The test images are those in val/."),
        (["train/a.png", "test/a.png", "val/a.png", "val/b.png"], "In neither split: 2 images in val/."),
        (
            ["train/a.png", "VAL/a.png", "b.png", "x/y/c.png"],
            "The test images are those in VAL/. In neither split: 1 images in no subfolder, 1 images in x/.",
        ),
        (["train/a.png", "test/a.png", "split.csv"], "split.csv is not used."),
    ],
)
def test_images_in_neither_split_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], names: list[str], lines: str
) -> None:
    split_names("folder", touch(tmp_path, *names))
    assert capsys.readouterr().err == (f"{tmp_path}: {lines}\n" if lines else "")


@pytest.mark.parametrize("folders", ["0.tar 1.tar", "train/0.tar val/0.tar", "set-train-0.tar set-val-0.tar"])
def test_shards_are_divided_as_a_folder_of_their_names(tmp_path: Path, folders: str) -> None:
    """Including their refusals."""
    touch(tmp_path / "unpacked", *(f"{name}/{i}.png" for name in folders.split() for i in range(10)))
    pack(tmp_path / "unpacked", tmp_path / "packed")
    if "set" in folders:
        for name in ("shards", "folder"):
            with pytest.raises(BadInput, match=r"set-train-0\.tar/, set-val-0\.tar/"):
                open_split(name, tmp_path / ("packed" if name == "shards" else "unpacked"), "test")
    else:
        assert split_names("shards", tmp_path / "packed") == split_names("folder", tmp_path / "unpacked")
