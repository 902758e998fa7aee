"""Image files of the gallery: saved images, thumbnails, and maps of the error inside the hole.

Files are named by their content, so equal images are stored once and no name of a method or image becomes a path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from bench_core.errors import damaged

THUMBNAIL = 112
"""Longer side of thumbnails in pixels."""
HOLE_COLOUR = np.array([236, 240, 246])
"""Colour that covers the hole in thumbnails."""
MAX_ERROR = 128
"""Difference, in levels of 255, from which on an error map has its last colour."""
LAST_COLOUR = 254
TRANSPARENT = 255
"""Palette entry of known pixels."""
# a map with even steps of lightness is readable with any colour vision
COLOURS = np.rint(mpl.colormaps["inferno"](np.linspace(0, 1, LAST_COLOUR + 1))[:, :3] * 255).astype(np.uint8)

RgbImage = UInt8[np.ndarray, "height width 3"]


@dataclass(frozen=True)
class GalleryImages:
    """Images in one existing folder."""

    folder: Path

    def add_pair(self, samples: Sequence[Path | None], number: int) -> dict[str, Any]:
        """Copy the images of a pair from the methods' folders; return the names of the files.

        `outputs` has for each folder the composite and its error map, or None if it has no image of this pair.

        Raises:
            BadInput: an image is damaged.
        """
        paths = [folder and folder / f"{number:06}-composite.png" for folder in samples]
        composites = [path if path and path.exists() else None for path in paths]
        first = next(path for path in composites if path)
        given = [_read(first.with_name(f"{number:06}-{name}.png")) for name in ("image", "masked")]
        (ground_truth, ground_truth_file), (masked, masked_file) = given
        return {
            "size": [ground_truth.shape[1], ground_truth.shape[0]],
            "thumb": self._save(_encoded(_thumbnail(ground_truth, masked), "JPEG"), ".jpg"),
            "ground_truth": self._save(ground_truth_file, ".png"),
            "masked": self._save(masked_file, ".png"),
            "outputs": [self._add_output(path, ground_truth, masked) if path else None for path in composites],
        }

    def _add_output(self, path: Path, ground_truth: RgbImage, masked: RgbImage) -> list[str]:
        composite, file = _read(path)
        return [
            self._save(file, ".png"),
            self._save(_encoded(error_map(ground_truth, masked, composite), "PNG"), ".png"),
        ]

    def _save(self, content: bytes, suffix: str) -> str:
        name = sha256(content).hexdigest()[:16] + suffix
        if not (self.folder / name).exists():
            (self.folder / name).write_bytes(content)
        return name


def error_map(ground_truth: RgbImage, masked: RgbImage, composite: RgbImage) -> Image.Image:
    """Colour the mean absolute difference of the channels inside the hole; known pixels are transparent.

    The hole is read from the masked image, where hidden pixels are black. If ground truth and composite are black too,
    hidden and known pixels look the same; such pixels count as known, with a difference of 0.
    """
    difference = np.abs(ground_truth.astype(int) - composite).mean(axis=2)
    hidden = ~masked.any(axis=2) & (ground_truth.any(axis=2) | (difference > 0))
    levels = np.minimum(np.rint(difference * (LAST_COLOUR / MAX_ERROR)), LAST_COLOUR)
    image = Image.fromarray(np.where(hidden, levels, TRANSPARENT).astype(np.uint8))
    image.putpalette([*COLOURS.ravel().tolist(), 0, 0, 0])
    image.info["transparency"] = TRANSPARENT
    return image


def error_colours() -> list[str]:
    """Return nine colours of the error map as CSS, evenly spaced from 0 to `MAX_ERROR`."""
    return [f"#{bytes(colour).hex()}" for colour in COLOURS[np.linspace(0, LAST_COLOUR, 9).astype(int)]]


def _read(path: Path) -> tuple[RgbImage, bytes]:
    try:
        content = path.read_bytes()
        with Image.open(BytesIO(content), formats=["PNG"]) as file:
            return np.asarray(file.convert("RGB")), content
    except (OSError, ValueError) as error:
        raise damaged(path, error) from error


def _thumbnail(ground_truth: RgbImage, masked: RgbImage) -> Image.Image:
    hidden = ~masked.any(axis=2, keepdims=True)
    covered = np.where(hidden, 0.35 * ground_truth + 0.65 * HOLE_COLOUR, ground_truth)
    image = Image.fromarray(covered.astype(np.uint8))
    image.thumbnail((THUMBNAIL, THUMBNAIL))
    return image


def _encoded(image: Image.Image, format_: str) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format_, **({"quality": 82} if format_ == "JPEG" else {}))
    return buffer.getvalue()
