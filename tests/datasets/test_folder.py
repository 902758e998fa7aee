"""Tests of the image set ``folder``: searching, splitting, and decoding on demand."""

import os
import re
import sys
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.image_sets import open_split, split_names, touch

from bench_core.errors import BadInput
from bench_core.images import BadImage


def test_all_images_are_found_and_sorted(tmp_path: Path) -> None:
    wanted = ["B.JPG", "a/c.jpeg", "a/d/e.TIFF", "a.b.png", "b.tif", "f.webp", "g.gif", "h.PPM", "ü/ñ 1.bmp"]
    touch(tmp_path, *wanted, ".hidden.png", ".cache/x.png", "notes.txt", "png", "a/x.png.part", "y.heic")
    (tmp_path / "folder.png").mkdir()
    train, test = split_names("folder", tmp_path)
    assert sorted([*train, *test]) == sorted(wanted)
    assert train == sorted(train) and test == sorted(test)


def test_train_and_test_subfolders_come_first(tmp_path: Path) -> None:
    touch(tmp_path, "train/b.png", "train/x/a.png", "test/b.png", "beside.png")
    (tmp_path / "split.csv").write_text("name,split\nbeside.png,test\n")
    assert split_names("folder", tmp_path) == (["train/b.png", "train/x/a.png"], ["test/b.png"])


def test_split_csv_defines_the_split(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b/c.png", "d.png", "unlisted.png")
    (tmp_path / "split.csv").write_text(
        "\ufeffname, split\nd.png,train\nb/c.png,test \n\na.png,train\n", encoding="utf-8"
    )
    assert split_names("folder", tmp_path) == (["a.png", "d.png"], ["b/c.png"])


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("name,split\na.png,train\nb.png,val\n", r"split\.csv, line 3: the split is 'val'; expected train or test"),
        ("name,split\na.png\n", "line 2: the split is ''"),
        ("name,split\na.png,test\nc.png,test\n", r"lists 1 images that are not there, such as 'c\.png'"),
        ("name,split\n../a.png,test\n", "not there"),
        ("name,split\na.png,train\nb.png,test\na.png,test\n", r"line 4: 'a\.png' is listed twice"),
        ("name,split\na.png,train\n", "gives no image to the split 'test'"),
        ("name;split\na.png;test\n", "must begin with the line 'name,split', not 'name;split'"),
        ("", "must begin with the line"),
        ("name,split\n\xe9.png,test\n", "cannot be read as a list"),
    ],
)
def test_an_invalid_split_csv_is_reported(tmp_path: Path, content: str, text: str) -> None:
    touch(tmp_path, "a.png", "b.png")
    (tmp_path / "split.csv").write_text(content, encoding="latin-1")
    with pytest.raises(BadInput, match=text):
        open_split("folder", tmp_path, "test")


def test_names_with_a_sha256_in_the_lowest_fifth_are_test(tmp_path: Path) -> None:
    train, test = split_names("folder", touch(tmp_path, *(f"{i:04d}.png" for i in range(1000))))
    lowest_fifth = {name for name in (*train, *test) if int(sha256(name.encode()).hexdigest(), 16) * 5 < 2**256}
    assert set(test) == lowest_fifth
    assert 150 < len(test) < 250


def test_adding_images_moves_no_other_image(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.png" for i in range(50)))
    before = split_names("folder", tmp_path)
    after = split_names("folder", touch(tmp_path, *(f"new/{i}.png" for i in range(50))))
    assert all(set(old) <= set(new) for old, new in zip(before, after, strict=True))


def test_the_split_does_not_depend_on_content(tmp_path: Path) -> None:
    touch(tmp_path, *(f"{i}.png" for i in range(50)))
    before = split_names("folder", tmp_path)
    (tmp_path / "0.png").write_bytes(b"other")
    assert split_names("folder", tmp_path) == before


def test_two_images_are_enough_for_both_splits(tmp_path: Path) -> None:
    """Including pairs of which both hashes, or neither, lie in the lowest fifth."""
    seen = set()
    for i in range(40):
        pair = [f"{i}a.png", f"{i}b.png"]
        train, test = split_names("folder", touch(tmp_path / str(i), *pair))
        assert len(train) == len(test) == 1 and {*train, *test} == set(pair)
        hashes = {name: sha256(name.encode()).digest() for name in pair}
        assert hashes[test[0]] < hashes[train[0]]
        seen.add(sum(digest[0] < 51 for digest in hashes.values()))
    assert seen == {0, 1, 2}


def test_folders_too_small_to_split_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"holds no image\. Expected files that end in .*bmp, .*jpeg"):
        open_split("folder", tmp_path, "train")
    with pytest.raises(BadInput, match=r"only one image, a\.png"):
        open_split("folder", touch(tmp_path, "a.png"), "train")
    touch(tmp_path, "train/a.png", "test/notes.txt")
    with pytest.raises(BadInput, match=r"test holds no image"):
        open_split("folder", tmp_path, "test")


def test_links_are_followed_without_cycles(tmp_path: Path) -> None:
    touch(tmp_path / "elsewhere", "a.png", "x/b.png")
    folder = touch(tmp_path / "set", "c.png")
    try:
        (folder / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
        (folder / "again").symlink_to(folder, target_is_directory=True)
    except OSError as error:
        pytest.skip(f"links cannot be made here: {error}")
    train, test = split_names("folder", folder)
    assert {*train, *test} == {"c.png", "linked/a.png", "linked/x/b.png"}


@pytest.mark.skipif(sys.platform != "linux", reason="other systems reject such names")
def test_a_name_that_is_not_valid_text_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a.png")
    (tmp_path / os.fsdecode(b"caf\xe9.png")).touch()
    with pytest.raises(BadInput, match="not valid UTF-8"):
        open_split("folder", tmp_path, "train")


def test_a_folder_that_cannot_be_listed_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: str) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", deny)
    with pytest.raises(BadInput, match=re.escape(f"{tmp_path} cannot be listed: Permission denied")):
        open_split("folder", tmp_path, "train")


def test_images_are_decoded_on_demand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, *(f"train/{i}.png" for i in range(9)), "test/0.png")
    Image.fromarray(np.full((4, 5, 3), 7, np.uint8)).save(tmp_path / "train/3.png")
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("a file was opened"))
    images = open_split("folder", tmp_path, "train")
    assert len(images) == 9
    monkeypatch.undo()
    np.testing.assert_array_equal(images[3], np.full((4, 5, 3), 7))
    with pytest.raises(BadImage, match=r"train.0\.png"):
        images[0]
