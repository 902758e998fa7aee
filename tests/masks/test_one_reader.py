"""Masks of every kind mean the same hole, or are refused alike, in all commands that read mask images."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from PIL import Image
from starlette.datastructures import FormData, UploadFile
from support.cli import call
from support.demo_methods import TRACER
from support.mask_kinds import (
    BROWN,
    HOLE,
    MAROON,
    NAVY,
    PHOTO,
    READ,
    RED,
    REFUSED,
    SIZE,
    Make,
    alpha,
    grey,
    save,
    strokes,
)
from support.mask_sets import open_mask_set

from bench_core.demo.app import Endpoints
from bench_core.demo.loaded_method import DemoMethod, InpaintResult
from bench_core.errors import BadInput
from bench_core.masks import mask_file
from bench_core.masks.import_folder import inspect_folder, write_mask_set
from bench_core.methods import inpaint
from bench_core.scoring.file_pairs import open_holes


def read_by_run(path: Path, colour: str) -> np.ndarray:
    return open_mask_set("files", folder=str(path.parent), hole=colour).draw(SIZE, 0)


def read_by_score(path: Path, colour: str) -> np.ndarray:
    return open_holes(str(path.parent), [path], ["mask"], colour, 128)[0]


def read_by_import(path: Path, colour: str) -> np.ndarray:
    stored = path.parent.parent / "set.holes"
    write_mask_set(stored, path.parent, inspect_folder(path.parent, colour), 128, None)
    return mask_file.read(stored).hole(0)


def read_by_inpaint(path: Path, colour: str) -> np.ndarray:
    """Run the function behind `bench inpaint` with a method that returns its hole."""
    photo, output = path.parent.parent / "photo.png", path.parent.parent / "hole.png"
    Image.fromarray(PHOTO).save(photo)
    with pytest.MonkeyPatch.context() as patched:
        echo = SimpleNamespace(inpaint=lambda image, missing, lines: missing[..., None].astype(np.uint8))
        patched.setattr(inpaint.Inpainter, "load", lambda *given: echo)
        inpaint.inpaint("telea", None, photo, path, output, colour, "cpu")
    return np.asarray(Image.open(output))


class Echo(DemoMethod):
    """Returns its hole."""

    def inpaint(self, image: np.ndarray, missing: np.ndarray, lines: np.ndarray) -> InpaintResult:
        return InpaintResult(missing[..., None].astype(np.uint8))


def answer(endpoint: str, path: Path, colour: str) -> np.ndarray:
    """Call an endpoint of the page with a mask."""
    if colour != "white":
        pytest.skip("the page draws in white")
    png = BytesIO()
    Image.fromarray(PHOTO).save(png, "PNG")
    content = {"image": png.getvalue(), "mask": path.read_bytes(), "hole": path.read_bytes(), "sketch": png.getvalue()}
    files = [(name, UploadFile(BytesIO(sent), size=len(sent), filename="mask")) for name, sent in content.items()]
    endpoints = Endpoints([Echo("echo", "", "", TRACER, torch.device("cpu"))])
    return np.asarray(Image.open(BytesIO(getattr(endpoints, endpoint)(FormData([("method", "0"), *files])).body)))


def read_by_demo(path: Path, colour: str) -> np.ndarray:
    return answer("inpaint", path, colour)


def open_in_demo(path: Path, colour: str) -> np.ndarray:
    return answer("mask", path, colour) // 255


READERS = [read_by_run, read_by_score, read_by_import, read_by_inpaint, read_by_demo, open_in_demo]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", READ)
def test_a_mask_of_any_kind_marks_the_same_hole(kind: str, reader: Callable, tmp_path: Path) -> None:
    make, suffix = READ[kind]
    found = reader(save(make(), tmp_path / "masks", suffix), "white")
    expected = HOLE
    if "soft" in kind:
        expected = cv2.GaussianBlur(HOLE.astype(float), (0, 0), 1) >= 0.5
        assert (found != expected).sum() <= 4, "corners of the box"
        return
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", REFUSED)
def test_a_mask_without_a_clear_hole_is_refused_with_its_levels(kind: str, reader: Callable, tmp_path: Path) -> None:
    make, suffix, said = REFUSED[kind]
    with pytest.raises(BadInput, match=said) as error:
        reader(save(make(), tmp_path / "masks", suffix), "white")
    assert "mask" in str(error.value)
    assert not list(tmp_path.glob("*.holes")) and not (tmp_path / "hole.png").exists()


@pytest.mark.parametrize("reader", READERS[:4])
@pytest.mark.parametrize("make", [grey(255, 0), strokes(RED, NAVY, BROWN, ground=255), strokes(MAROON, ground=255)])
def test_strokes_on_white_are_black(make: Make, reader: Callable, tmp_path: Path) -> None:
    np.testing.assert_array_equal(reader(save(make(), tmp_path / "masks", "png"), "black"), HOLE)


@pytest.mark.parametrize("reader", READERS[:4])
def test_black_paint_on_a_transparent_ground_is_not_guessed(reader: Callable, tmp_path: Path) -> None:
    """Its opaque pixels count as white, but look black."""
    with pytest.raises(BadInput, match="black paint on a transparent ground"):
        reader(save(alpha(0, HOLE * 255)(), tmp_path / "masks", "png"), "black")
    found = reader(save(alpha(255, HOLE * 255)(), tmp_path / "masks", "png"), "black")
    np.testing.assert_array_equal(found, 1 - HOLE)


@pytest.mark.parametrize("reader", [read_by_run, read_by_import])
@pytest.mark.parametrize("blank", [0, 255])
def test_blank_masks_among_others_are_named(
    blank: int, reader: Callable, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    path = save(grey(0, 255)(), tmp_path / "masks", "png")
    Image.new("L", (SIZE, SIZE), blank).save(path.parent / "blank.png")
    reader(path, "white")
    said = " ".join(capsys.readouterr().err.split())
    assert f"1 of 2 masks mark nothing or everything: blank.png (the level {blank})" in said


def test_a_broken_mask_stops_a_run_before_training(bench: Callable, tmp_path: Path, protocol: Path) -> None:
    path = save(grey(0, 255)(), tmp_path / "drawn", "png")
    for number in range(7):
        (path.parent / f"broken{number}.png").write_bytes(path.read_bytes()[:50])
    text = protocol.read_text().partition("[masks")[0]
    protocol.write_text(f'{text}[masks.mine]\nfamily = "files"\nfolder = "drawn"\nhole = "white"\n')
    said = bench("--plugins", "pconv", "--skip-bad-images", code=2).output
    assert "broken0.png cannot be read as an image" in said and "... and 2 more" in said
    assert not (tmp_path / "out").exists()


def test_the_command_fills_the_hole_of_a_label_mask(tmp_path: Path) -> None:
    mask = save(grey(0, 1)(), tmp_path / "masks", "png")
    Image.fromarray(PHOTO).save(tmp_path / "photo.png")
    call("inpaint", "--plugin", "telea", str(tmp_path / "photo.png"), str(mask), "-o", str(tmp_path / "filled.png"))
    changed = (np.asarray(Image.open(tmp_path / "filled.png")) != PHOTO).any(2)
    assert changed[HOLE > 0].mean() > 0.9 and not changed[HOLE == 0].any()
