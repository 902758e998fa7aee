"""Read mask images of any program as levels from black to white, and inspect them before their polarity is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from bench_core.images import as_channels, read_image
from bench_core.masks.hole_stats import touches_border

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class MaskImage:
    """Properties of one mask image, for both possible polarities."""

    name: str
    """Path below the inspected folder, with forward slashes."""
    mode: str
    """Pillow's name of the pixel format: L, RGB, RGBA ..."""
    width: int
    height: int
    num_levels: int
    """Number of different levels."""
    grey_pixels: int
    """Number of pixels that are neither black nor white."""
    from_opacity: bool
    """True if levels are the opacity of a partly transparent image. Opaque pixels then count as white."""
    white_pixels: int
    white_touches_border: bool
    black_touches_border: bool

    def hole_ratio(self, hole: str) -> float:
        """Return the fraction of missing pixels, 0 to 1, if the colour `hole` ("white" or "black") is missing."""
        white = self.white_pixels / (self.width * self.height)
        return white if hole == "white" else 1 - white

    def border_contact(self, hole: str) -> bool:
        """Return whether pixels of the colour `hole` ("white" or "black") touch the border."""
        return self.white_touches_border if hole == "white" else self.black_touches_border


def read_levels(path: Path) -> tuple[np.ndarray, bool]:
    """Read a mask image as levels from black to white.

    Returns:
        uint8 (height, width), and whether the levels are the opacity of a partly transparent image.

    Raises:
        BadImage: the file cannot be decoded.
    """
    opacity = _read_opacity(path)
    if opacity is not None and np.ptp(opacity):
        return opacity, True
    return as_channels(read_image(path), 1)[..., 0], False


def _read_opacity(path: Path) -> np.ndarray | None:
    try:
        with Image.open(path) as file:
            return np.array(file.getchannel("A")) if "A" in file.getbands() else None
    except OSError:
        return None  # `read_image` raises an error that explains why


def inspect_mask_image(root: Path, path: Path, threshold: int) -> MaskImage:
    """Inspect one mask image below `root`. Levels from `threshold` on are white."""
    levels, from_opacity = read_levels(path)
    with Image.open(path) as file:
        mode = file.mode
    white = levels >= threshold
    return MaskImage(
        name=path.relative_to(root).as_posix(),
        mode=mode,
        width=levels.shape[1],
        height=levels.shape[0],
        num_levels=len(np.unique(levels)),
        grey_pixels=int(((levels > 0) & (levels < 255)).sum()),
        from_opacity=from_opacity,
        white_pixels=int(white.sum()),
        white_touches_border=touches_border(white),
        black_touches_border=touches_border(~white),
    )
