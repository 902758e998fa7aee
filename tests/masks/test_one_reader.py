"""Masks of every kind mean the same hole, or are refused alike, in all commands that read mask images."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from PIL import Image, ImageFilter
from starlette.datastructures import FormData, UploadFile
from support.cli import call
from support.demo_methods import TRACER
from support.mask_sets import open_mask_set

from bench_core.demo.app import Endpoints
from bench_core.demo.loaded_method import DemoMethod, InpaintResult
from bench_core.errors import BadInput
from bench_core.masks import mask_file
from bench_core.masks.import_folder import inspect_folder, write_mask_set
from bench_core.methods import inpaint
from bench_core.scoring.file_pairs import open_holes

SIZE = 32
HOLE = np.zeros((SIZE, SIZE), np.uint8)
HOLE[8:16, 8:24] = 1
"""A box of whole JPEG blocks."""
OTHER = np.roll(HOLE, 12, 0)
RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (SIZE, SIZE, 3), np.uint8)
Make = Callable[[], Image.Image]


def grey(low: float, high: float, kind: Any = np.uint8) -> Make:
    return lambda: Image.fromarray(np.where(HOLE, high, low).astype(kind))


def strokes(*colours: tuple[int, int, int], ground: int = 0) -> Make:
    """Divide the hole into vertical strokes of these colours."""

    def make() -> Image.Image:
        pixels = np.full((SIZE, SIZE, 3), ground, np.uint8)
        which = np.arange(SIZE) * len(colours) // SIZE
        pixels[HOLE > 0] = np.array(colours, np.uint8)[np.broadcast_to(which, HOLE.shape)[HOLE > 0]]
        return Image.fromarray(pixels)

    return make


def palette(*colours: tuple[int, int, int]) -> Make:
    return lambda: strokes(*colours)().quantize(len(colours) + 1, dither=Image.Dither.NONE)


def alpha(colours: np.ndarray | int, opacity: np.ndarray) -> Make:
    pixels = np.broadcast_to(np.asarray(colours, np.uint8), (SIZE, SIZE, 3))
    return lambda: Image.fromarray(np.dstack([pixels, opacity.astype(np.uint8)]))


def soft(image: Image.Image) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(1))


def turned() -> Image.Image:
    """Return the mask as transparency, on its side, with the tag that turns it upright."""
    image = alpha(255, HOLE * 255)().transpose(Image.Transpose.ROTATE_90)
    image.getexif()[0x0112] = 6
    return image


RED, MAROON, NAVY, BROWN = (255, 0, 0), (128, 0, 0), (0, 0, 90), (64, 0, 0)
WHITE_ON_BLACK = np.repeat(HOLE[..., None] * 255, 3, 2)
READ: dict[str, tuple[Make, str]] = {
    "0 and 255": (grey(0, 255), "png"),
    "0 and 1": (grey(0, 1), "png"),
    "0 and 2": (grey(0, 2), "bmp"),
    "100 and 200": (grey(100, 200), "png"),
    "booleans": (grey(0, 1, bool), "png"),
    "16 bits, 0 and 1": (grey(0, 1, np.uint16), "png"),
    "16 bits, 0 and 255": (grey(0, 255, np.uint16), "png"),
    "16 bits, 0 and 65535": (grey(0, 65535, np.uint16), "png"),
    "32 bits, 0 and 1": (grey(0, 1, np.int32), "tif"),
    "32 bits, 0 and 255": (grey(0, 255, np.int32), "tif"),
    "floats, 0 and 1": (grey(0, 1, np.float32), "tif"),
    "a palette of one object": (palette(MAROON), "png"),
    "a palette of three objects": (palette(MAROON, BROWN, (0, 128, 0)), "png"),
    "red strokes": (strokes(RED), "png"),
    "dark blue strokes": (strokes(NAVY), "png"),
    "strokes of several colours": (strokes(RED, NAVY, (250, 250, 250)), "png"),
    "opacity, white all over": (alpha(255, HOLE * 255), "png"),
    "opacity of black paint": (alpha(0, HOLE * 255), "png"),
    "opacity of red paint": (alpha(np.array(RED), HOLE * 255), "png"),
    "opacity of a weak brush": (alpha(255, HOLE * 102), "png"),
    "opacity and colours that agree": (alpha(WHITE_ON_BLACK, HOLE * 255), "png"),
    "colours with full opacity": (alpha(WHITE_ON_BLACK, HOLE * 0 + 255), "png"),
    "grey with opacity": (lambda: alpha(255, HOLE * 255)().convert("LA"), "png"),
    "a transparent colour of a palette": (alpha(255, HOLE * 255), "gif"),
    "opacity, on its side": (turned, "png"),
    "JPEG": (grey(0, 255), "jpg"),
    "red strokes in JPEG": (strokes((255, 60, 60)), "jpg"),
    "PGM": (grey(0, 255), "pgm"),
    "32 bits with soft edges": (lambda: Image.fromarray(np.asarray(soft(grey(0, 255)())).astype(np.int32)), "tif"),
    "soft edges": (lambda: soft(grey(0, 255)()), "png"),
    "soft red strokes": (lambda: soft(strokes(RED)()), "png"),
    "soft opacity": (lambda: soft(alpha(255, HOLE * 255)()), "png"),
    "soft strokes that fade in colour and opacity": (lambda: soft(alpha(WHITE_ON_BLACK, HOLE * 255)()), "png"),
}
REFUSED: dict[str, tuple[Make, str, str]] = {
    "all black": (lambda: Image.new("L", (SIZE, SIZE)), "png", "the level 0"),
    "all white": (lambda: Image.new("L", (SIZE, SIZE), 255), "png", "the level 255"),
    "all 1": (lambda: Image.new("L", (SIZE, SIZE), 1), "png", "the level 1 only"),
    "all red": (lambda: Image.new("RGB", (SIZE, SIZE), RED), "png", "neither black nor white"),
    "noise around black": (lambda: Image.fromarray(PHOTO[..., 0] // 64), "png", "levels 0, 1, 2, 3"),
    "16-bit noise": (lambda: Image.fromarray(PHOTO[..., 0].astype(np.uint16) // 2), "png", "128 levels from 0 to 127"),
    "a noisy black JPEG": (lambda: Image.fromarray(PHOTO[..., 0] // 128), "jpg", "level"),
    "three labels": (lambda: Image.fromarray(HOLE + 2 * OTHER), "png", "the levels 0, 1, 2"),
    "dark labels": (lambda: Image.fromarray(60 * HOLE + 140 * OTHER), "png", "the levels 0, 60, 140"),
    "dark soft edges": (lambda: soft(grey(0, 140)()), "png", "from 0 to 140"),
    "two masks in one": (alpha(WHITE_ON_BLACK, OTHER * 127 + 128), "png", "mark different pixels"),
    "an erased photograph": (alpha(PHOTO, 255 - HOLE * 255), "png", "mark different pixels"),
    "red on green": (strokes(RED), "png", "ground is neither black nor white"),
    "floats that are not finite": (grey(0, np.nan, np.float32), "tif", "not finite"),
    "32 bits without white": (lambda: Image.fromarray(PHOTO[..., 0] * np.int32(3)), "tif", "which level is white"),
}  # fmt: skip


def red_on_green() -> Image.Image:
    return Image.fromarray(np.where(HOLE[..., None], RED, (0, 255, 0)).astype(np.uint8))


REFUSED["red on green"] = (red_on_green, *REFUSED["red on green"][1:])


def save(image: Image.Image, folder: Path, suffix: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"mask.{suffix}"
    options = {"exif": image.getexif()} if image.getexif() else {}
    image.save(path, **options, **({"quality": 95} if suffix == "jpg" else {}))
    return path


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


def read_by_demo(path: Path, colour: str) -> np.ndarray:
    """Upload the mask to open it, and to inpaint with it."""
    if colour != "white":
        pytest.skip("the page draws in white")

    def upload(content: bytes) -> UploadFile:
        return UploadFile(BytesIO(content), size=len(content), filename="mask")

    png = BytesIO()
    Image.fromarray(PHOTO).save(png, "PNG")
    echo = Echo("echo", "", "", TRACER, torch.device("cpu"))
    files = {"image": png.getvalue(), "mask": path.read_bytes(), "hole": path.read_bytes(), "sketch": png.getvalue()}

    def answer(endpoint: Callable[[FormData], Any]) -> np.ndarray:
        form = FormData([("method", "0"), *((name, upload(content)) for name, content in files.items())])
        return np.asarray(Image.open(BytesIO(endpoint(form).body)))

    opened, used = answer(Endpoints([echo]).mask), answer(Endpoints([echo]).inpaint)
    np.testing.assert_array_equal(opened, 255 * used)
    return used


READERS = [read_by_run, read_by_score, read_by_import, read_by_inpaint, read_by_demo]


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
