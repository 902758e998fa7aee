"""Masks of many kinds that mean one hole, and masks without a clear hole."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

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


def red_on_green() -> Image.Image:
    return Image.fromarray(np.where(HOLE[..., None], (255, 0, 0), (0, 255, 0)).astype(np.uint8))


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
    "a label with a void border": (lambda: Image.fromarray(HOLE + 255 * OTHER), "png", "0, 1, 255, .* may be labels"),
    "dark labels": (lambda: Image.fromarray(60 * HOLE + 140 * OTHER), "png", "the levels 0, 60, 140"),
    "dark soft edges": (lambda: soft(grey(0, 140)()), "png", "from 0 to 140"),
    "two masks in one": (alpha(WHITE_ON_BLACK, OTHER * 127 + 128), "png", "mark different pixels"),
    "an erased photograph": (alpha(PHOTO, 255 - HOLE * 255), "png", "mark different pixels"),
    "red on green": (red_on_green, "png", "ground is neither black nor white"),
    "floats that are not finite": (grey(0, np.nan, np.float32), "tif", "not finite"),
    "32 bits without white": (lambda: Image.fromarray(PHOTO[..., 0] * np.int32(3)), "tif", "which level is white"),
}  # fmt: skip


def save(image: Image.Image, folder: Path, suffix: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / f"mask.{suffix}"
    options: dict[str, Any] = {"quality": 95} if suffix == "jpg" else {}
    if exif := image.getexif():
        options["exif"] = exif
    image.save(path, **options)
    return path
