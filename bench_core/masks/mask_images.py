"""Read mask images of any program as levels from black to white. Every command reads masks with these rules:

1. **Opacity.** If the opacity varies and the opaque pixels share one colour, opaque pixels are white. So they are if
   colours and opacity mark the same pixels. If they mark different ones, the image is refused.
2. **Colours.** Otherwise the level of a pixel is its brightest channel, so that strokes of any colour on black are
   white. If no pixel is black, it is the darkest channel, so that strokes of any colour on white are black.
3. **Flat images.** An image of two levels, such as 0 and 1, becomes black and white. In an image of at most 32 colours
   with several hues, such as a palette of labels, every colour but the ground is a stroke. Formats that alter pixels,
   such as JPEG, are never flat.
4. **Depth.** Levels of more than 8 bits, and floats, are scaled so that white is the first of 1, 255 and 65535 that
   the brightest level almost reaches.
5. **Threshold.** Levels from the threshold on are white. An image that is neither all black, all white nor has levels
   clearly on both sides of the threshold is refused.

A hole is what has the given colour, white or black.
"""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from bench_core.errors import BadInput
from bench_core.images import Array, decode, has_sixteen_bits

THRESHOLD = 128
"""Default level from which a pixel is white."""
NOISE = 32
"""Levels that differ by less may differ because of lossy compression."""
FEW_COLOURS = 32
"""Maximum number of colours of an image that may hold labels of objects."""
WHITES = (1, 255, 65535)
"""Levels that stand for white: of floats, of 8 and of 16 bits."""
LOSSY = {"JPEG", "MPO", "JPEG2000", "WEBP", "AVIF"}
"""Formats, by Pillow's names, that may alter pixels."""


@dataclass(frozen=True)
class MaskLevels:
    """Levels of one mask image."""

    name: str
    mode: str
    """Pillow's name of the pixel format: L, RGB, RGBA ..."""
    levels: Array
    """uint8 (height, width), 0 = black, 255 = white."""
    found: str
    """Levels in the file, for messages."""
    from_opacity: bool = False
    """True if levels are the opacity of the image."""
    dark_paint: bool = False
    """True if levels are an opacity, and the opaque pixels are black or dark."""

    def white(self, threshold: int = THRESHOLD) -> Array:
        """Return which pixels are white, as bool (height, width).

        Raises:
            BadInput: the image is not clearly black and white.
        """
        self._require_contrast(threshold)
        return self.levels >= threshold

    def hole(self, colour: str, threshold: int = THRESHOLD, size: tuple[int, int] | None = None) -> Array:
        """Return the hole: uint8 (height, width), 1 = missing.

        Args:
            colour: colour of missing pixels, "white" or "black".
            size: height and width of the hole. Levels are averaged over areas to shrink, and repeated to enlarge,
                before they are compared with the threshold.

        Raises:
            BadInput: the image is not clearly black and white, or it is black paint whose ground is to be missing.
        """
        if colour == "black" and self.dark_paint:
            raise BadInput(
                f"{self.name} is black paint on a transparent ground. There, opaque pixels count as white. Give white "
                "as the colour of missing pixels if the paint marks them; else save the mask in black and white."
            )
        self._require_contrast(threshold)
        levels = self.levels
        if size and size != levels.shape:
            shrinks = size[0] < levels.shape[0] or size[1] < levels.shape[1]
            levels = cv2.resize(levels, size[::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST)
        white = levels >= threshold
        return (white if colour == "white" else ~white).astype(np.uint8)

    def _require_contrast(self, threshold: int) -> None:
        darkest, brightest = int(self.levels.min()), int(self.levels.max())
        black, white = brightest <= threshold / 4, 255 - darkest <= (255 - threshold) / 4
        both = darkest <= threshold / 2 and brightest >= min(1.5 * threshold, (threshold + 255) / 2)
        if not (black or white or both):
            raise BadInput(
                f"{self.name} is not clearly black and white: it holds {self.found}, and the threshold is {threshold} "
                "of 255. Save it with the levels 0 and 255."
            )


def is_blank(hole: Array) -> bool:
    """Return whether a hole covers nothing or everything."""
    return bool(hole.min() == hole.max())


def describe_blank(mask: MaskLevels, hole: Array) -> str:
    """Describe a mask image whose hole covers nothing or everything."""
    return f"{mask.name} marks {'every' if hole.any() else 'no'} pixel as missing (it holds {mask.found})"


def required_hole(mask: MaskLevels, colour: str) -> Array:
    """Return the hole of a mask that must mark a part of its image: uint8 (height, width), 1 = missing.

    Raises:
        BadInput: the mask marks nothing or everything, or `MaskLevels.hole` refuses it.
    """
    hole = mask.hole(colour)
    if is_blank(hole):
        raise BadInput(f"{describe_blank(mask, hole)}. Expected {colour} where pixels are missing, and the rest not.")
    return hole


def read_mask(
    source: Path | bytes, name: str = "", formats: tuple[str, ...] | None = None, max_pixels: int | None = None
) -> MaskLevels:
    """Read a mask image.

    Args:
        source: an image file, or its bytes.
        name: name in error messages; by default the path.
        formats, max_pixels: as of `bench_core.images.decode_image`.

    Raises:
        BadInput: the file cannot be decoded, or its levels have no clear meaning.
    """
    name = name or str(source)
    decoded = decode(BytesIO(source) if isinstance(source, bytes) else source, name, _samples, formats, max_pixels)
    opacity = decoded.opacity
    try:
        if opacity is None or np.ptp(opacity) < NOISE:
            levels, found = _colour_levels(decoded)
            return MaskLevels(name, decoded.mode, levels, found)
        levels, found = _flattened(opacity, decoded.lossy)
        paint = decoded.colours[opacity >= opacity.max() / 2]
        if np.ptp(paint, 0).max() >= NOISE:
            # Soft strokes on black fade in colour and opacity alike.
            colours, others = _colour_levels(decoded)
            if ((colours >= THRESHOLD) != (levels >= THRESHOLD)).sum() > 0.01 * (levels >= THRESHOLD).sum():
                raise ValueError(f"its colours ({others}) and its opacity ({found}) mark different pixels")
        return MaskLevels(name, decoded.mode, levels, f"opacity of {found}", True, bool(paint.max(1).mean() < 128))
    except ValueError as error:
        raise BadInput(f"{name} is no clear mask: {error}. Save it in black and white, as {_EXPECTED}.") from error


_EXPECTED = "a PNG with the levels 0 and 255 and without transparency"


class _Samples(NamedTuple):
    """Samples of an image file."""

    mode: str
    lossy: bool
    colours: Array
    """(height, width, channels) of uint8, or of deeper samples if there is one channel."""
    opacity: Array | None
    """uint8 (height, width)."""
    palette: Array | None
    """uint8 (n, 3): the colours of an image of few colours in a format that keeps pixels, else None."""


def _samples(image: Image.Image, file_format: str) -> _Samples:
    mode, lossy = image.mode, file_format in LOSSY
    if has_sixteen_bits(image, file_format):
        return _Samples(mode, lossy, np.asarray(image).astype(np.uint16)[..., None], None, None)
    if mode in ("I", "F"):
        return _Samples(mode, lossy, np.asarray(image)[..., None], None, None)
    opacity = np.asarray(image.convert("RGBA"))[..., 3] if image.has_transparency_data else None
    if mode in ("1", "L") and opacity is None:
        return _Samples(mode, lossy, np.asarray(image.convert("L"))[..., None], None, None)
    # Through RGBA, since a direct conversion may blend transparent pixels.
    colours = (image.convert("RGBA") if opacity is not None else image).convert("RGB")
    counted = None if lossy else colours.getcolors(FEW_COLOURS)
    palette = np.array([colour for _, colour in counted], np.uint8) if counted else None
    return _Samples(mode, lossy, np.asarray(colours), opacity, palette)


def _colour_levels(samples: _Samples) -> tuple[Array, str]:
    """Return uint8 (height, width), and a description. Raises ValueError if the ground is neither black nor white."""
    colours = samples.colours
    channels = [colours[..., channel] for channel in range(colours.shape[2])]
    brightest, darkest = np.maximum.reduce(channels), np.minimum.reduce(channels)  # faster than colours.max(2)
    if colours.shape[2] == 1 or int((brightest - darkest).max()) < NOISE:
        return _flattened(brightest, samples.lossy)
    on_black = brightest.min() < NOISE
    if not on_black and darkest.max() < 255 - NOISE:
        raise ValueError(f"its ground is neither black nor white: the brightest channel has {_list(brightest)}")
    levels = brightest if on_black else darkest
    if samples.palette is not None and _several_hues(samples.palette if on_black else 255 - samples.palette):
        ground = brightest.min() if on_black else darkest.max()
        return np.where((levels == ground) == on_black, 0, 255).astype(np.uint8), f"colours with {_list(levels)}"
    flat, found = _flattened(levels, samples.lossy)
    return flat, f"colours with {found}"


def _several_hues(palette: Array) -> bool:
    """Return whether strokes of several colours lie on black, rather than soft strokes of one: uint8 (n, 3)."""
    strokes = palette[palette.max(1) >= NOISE]
    hues = strokes / strokes.max(1, keepdims=True)
    return bool(np.ptp(hues, 0).max() > 0.2)


def _flattened(levels: Array, lossy: bool) -> tuple[Array, str]:
    """Scale levels (height, width) to uint8, an image of two levels to 0 and 255; return them and a description.

    Raises:
        ValueError: levels are not finite or negative, or which level is white is not clear.
    """
    if not np.isfinite(levels).all() or levels.min() < 0:
        raise ValueError("its levels are negative or not finite")
    known, found = _distinct(levels), _list(levels)
    if not lossy and len(known) == 2:
        return np.where(levels == known[1], 255, 0).astype(np.uint8), found
    top = known[-1]
    if not lossy and len(known) == 1 and top not in (0, *WHITES[1:]):
        raise ValueError(f"it holds {found} only, which is neither black nor white")
    if levels.dtype == np.uint8:
        # Soft edges have levels in between; labels beside a white border have not.
        gap = not lossy and top >= NOISE and not ((known >= NOISE) & (known < 255 - NOISE)).any()
        if gap and ((levels > 0) & (levels < NOISE)).mean() > 0.01:
            raise ValueError(f"it holds {found}, and the dark ones may be labels of objects")
        return levels, found
    white = next((white for white in WHITES if 7 / 8 * white <= top <= white), 0)
    if not white and top and levels.dtype != np.uint16:
        raise ValueError(f"it holds {found}, and which level is white is not known for {levels.dtype}")
    return np.rint(levels * (255 / (white or WHITES[-1]))).astype(np.uint8), found


def _distinct(levels: Array) -> Array:
    # Counting is much faster than sorting.
    return np.flatnonzero(np.bincount(levels.ravel())) if levels.dtype.itemsize <= 2 else np.unique(levels)


def _list(levels: Array) -> str:
    known = _distinct(levels)
    if len(known) == 1:
        return f"the level {known[0]:g}"
    if len(known) <= 6:
        return f"the levels {', '.join(f'{level:g}' for level in known)}"
    return f"{len(known)} levels from {known[0]:g} to {known[-1]:g}"
