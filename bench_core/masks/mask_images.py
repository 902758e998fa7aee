"""Mask pictures of any program as levels from black to white, and what one shows before its polarity is known."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench_core.images import as_channels, read_image
from bench_core.masks.hole_stats import touches_border

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class MaskImage:
    """One mask picture. Pairs are of its white and its black side."""

    name: str
    """Its path below the folder, with `/`."""
    mode: str
    """As Pillow calls it: L, RGB, RGBA ..."""
    width: int
    height: int
    distinct: int
    """How many levels occur."""
    between: int
    """Pixels that are neither black nor white."""
    painted: bool
    """Whether it is opaque paint on a transparent ground; opaque then counts as white."""
    white_pixels: int
    contact: tuple[bool, bool]
    """Whether each side touches the border."""
    roughness: tuple[int, int]
    """How many of each side's pixels no disc of a small brush reaches without leaving that side."""

    def hole_ratio(self, hole: str) -> float:
        """The fraction of missing pixels, where `hole` is "white" or "black"."""
        white = self.white_pixels / (self.width * self.height)
        return white if hole == "white" else 1 - white


def read_levels(path: Path) -> tuple[np.ndarray, bool]:
    """Levels, uint8 (height, width), and whether they are the opacity of a picture that is partly transparent.

    Raises:
        BadImage: it cannot be read.
    """
    opacity = _opacity(path)
    if opacity is not None and np.ptp(opacity):
        return opacity, True
    return as_channels(read_image(path), 1)[..., 0], False


def _opacity(path: Path) -> np.ndarray | None:
    try:
        with Image.open(path) as file:
            return np.array(file.getchannel("A")) if "A" in file.getbands() else None
    except OSError:
        return None  # `read_image` says what is wrong with it


def look(root: Path, path: Path, threshold: int) -> MaskImage:
    """What one picture shows; white is at the threshold and above."""
    levels, painted = read_levels(path)
    with Image.open(path) as file:
        mode = file.mode
    white = (levels >= threshold).astype(np.uint8)
    sides = (white, 1 - white)
    return MaskImage(
        path.relative_to(root).as_posix(),
        mode,
        levels.shape[1],
        levels.shape[0],
        len(np.unique(levels)),
        int(((levels > 0) & (levels < 255)).sum()),
        painted,
        int(white.sum()),
        (touches_border(sides[0]), touches_border(sides[1])),
        (_roughness(sides[0]), _roughness(sides[1])),
    )


def _roughness(side: np.ndarray) -> int:
    """Pixels lost by a morphological opening with a disc of 1/128 of the short side; the border cuts nothing off."""
    radius = max(1, round(min(side.shape) / 128))
    rows, columns = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    disc = (rows**2 + columns**2 <= radius**2).astype(np.uint8)
    frame = 2 * radius
    framed = np.pad(side, frame, mode="edge")
    opened = cv2.morphologyEx(framed, cv2.MORPH_OPEN, disc)
    return int((framed - opened)[frame:-frame, frame:-frame].sum())
