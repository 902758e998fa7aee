"""Inspect mask images before their polarity is known."""

from dataclasses import dataclass
from pathlib import Path

from bench_core.masks.hole_stats import touches_border
from bench_core.masks.mask_images import read_mask


@dataclass(frozen=True)
class MaskImage:
    """Properties of one mask image, for both possible polarities."""

    name: str
    """Path below the inspected folder, with forward slashes."""
    mode: str
    """Pillow's name of the pixel format: L, RGB, RGBA ..."""
    width: int
    height: int
    found: str
    """Levels in the file."""
    num_levels: int
    """Number of different levels from black to white."""
    grey_pixels: int
    """Number of pixels that are neither black nor white."""
    from_opacity: bool
    """True if levels are the opacity of a partly transparent image. Opaque pixels then count as white."""
    white_pixels: int
    white_touches_border: bool
    black_touches_border: bool

    @property
    def blank(self) -> bool:
        """True if all pixels are white, or all are black."""
        return self.white_pixels in (0, self.width * self.height)

    def hole_ratio(self, hole: str) -> float:
        """Return the fraction of missing pixels, 0 to 1, if the colour `hole` ("white" or "black") is missing."""
        white = self.white_pixels / (self.width * self.height)
        return white if hole == "white" else 1 - white

    def border_contact(self, hole: str) -> bool:
        """Return whether pixels of the colour `hole` ("white" or "black") touch the border."""
        return self.white_touches_border if hole == "white" else self.black_touches_border


def inspect_mask_image(root: Path, path: Path, threshold: int) -> MaskImage:
    """Inspect one mask image below `root`. Levels from `threshold` on are white. Raises BadInput as `read_mask`."""
    mask = read_mask(path)
    white = mask.white(threshold)
    levels = mask.levels
    return MaskImage(
        name=path.relative_to(root).as_posix(),
        mode=mask.mode,
        width=levels.shape[1],
        height=levels.shape[0],
        found=mask.found,
        num_levels=len(set(levels.tobytes())),
        grey_pixels=int(((levels > 0) & (levels < 255)).sum()),
        from_opacity=mask.from_opacity,
        white_pixels=int(white.sum()),
        white_touches_border=touches_border(white),
        black_touches_border=touches_border(~white),
    )
