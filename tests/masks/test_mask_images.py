"""Tests of the family ``files``: holes from mask images, with the polarity that the user gives."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.mask_sets import open_mask_set
from support.paths import SHARED

from bench_core.errors import BadInput
from bench_core.masks.mask_set import MaskSet

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def open_folder(folder: Path, hole: str = "white", **parameters: Any) -> MaskSet:
    return open_mask_set("files", folder=str(folder), hole=hole, **parameters)


def save(folder: Path, *images: np.ndarray) -> Path:
    for index, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{index}.png")
    return folder


@pytest.mark.parametrize("threshold", [1, 128, 255])
def test_white_is_at_the_threshold_and_above(tmp_path: Path, threshold: int) -> None:
    drawn = open_folder(save(tmp_path, RAMP), "white", threshold=threshold).draw(16, 0)
    np.testing.assert_array_equal(drawn, threshold <= RAMP)


@pytest.mark.parametrize("size", [16, 11, 40])
def test_white_and_black_are_complements(tmp_path: Path, size: int) -> None:
    save(tmp_path, RAMP)
    white, black = open_folder(tmp_path, "white").draw(size, 0), open_folder(tmp_path, "black").draw(size, 0)
    np.testing.assert_array_equal(black, 1 - white)


@pytest.mark.parametrize("size", [7, 16, 50])
def test_holes_from_grey_images_are_binary_after_resizing(tmp_path: Path, size: int) -> None:
    drawn = open_folder(save(tmp_path, RAMP)).draw(size, 0)
    assert drawn.shape == (size, size)
    assert set(np.unique(drawn)) == {0, 1}
    assert drawn.mean() == pytest.approx(0.5, abs=0.1)


def test_every_image_of_a_folder_and_its_subfolders_is_drawn(tmp_path: Path) -> None:
    blank = np.zeros((8, 8), np.uint8)
    for index in range(4):
        folder = tmp_path / f"part{index % 2}"
        folder.mkdir(exist_ok=True)
        image = blank.copy()
        image[index] = 255
        Image.fromarray(image).save(folder / f"{index}.PNG")
    (tmp_path / "notes.txt").write_text("not an image")
    drawn = {open_folder(tmp_path).draw(8, key).tobytes() for key in range(60)}
    assert len(drawn) == 4


def test_the_same_key_draws_the_same_image(tmp_path: Path) -> None:
    save(tmp_path, *np.random.default_rng(0).integers(0, 256, (5, 8, 8), np.uint8))
    forwards = [open_folder(tmp_path).draw(8, key) for key in range(10)]
    backwards = [open_folder(tmp_path).draw(8, key) for key in reversed(range(10))]
    np.testing.assert_array_equal(forwards, backwards[::-1])


@pytest.mark.parametrize("hole", ["red", "White", ""])
def test_an_unknown_polarity_is_refused(tmp_path: Path, hole: str) -> None:
    with pytest.raises(BadInput, match=rf'{hole!r}.*"white".*"black"'):
        open_folder(save(tmp_path, RAMP), hole).draw(16, 0)


@pytest.mark.parametrize("exists", [True, False])
def test_a_folder_without_images_is_refused(tmp_path: Path, exists: bool) -> None:
    folder = tmp_path if exists else tmp_path / "nowhere"
    with pytest.raises(BadInput, match=rf"{folder} (holds no images.* png,|does not exist)"):
        open_folder(folder).draw(16, 0)


def test_an_unreadable_image_is_reported(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"not an image")
    with pytest.raises(BadInput, match=r"broken\.png cannot be read"):
        open_folder(tmp_path).draw(16, 0)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the published mask files beside the repository")
@pytest.mark.parametrize("colour", ["white", "black"])
def test_published_mask_files_have_their_known_hole_ratio(tmp_path: Path, colour: str) -> None:
    with (SHARED / "MASKS.csv").open() as file:
        known = [row for row in csv.DictReader(file) if row["hole_is"] == colour and row["width"] == row["height"]]
    for index, row in enumerate(known[::40]):
        folder = tmp_path / str(index)
        folder.mkdir()
        (folder / Path(row["path"]).name).symlink_to(SHARED / row["path"])
        drawn = open_folder(folder, colour).draw(int(row["width"]), 0)
        assert drawn.mean() == pytest.approx(float(row["hole_ratio"]), abs=1e-3), row["path"]
