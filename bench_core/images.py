"""What an image set opens to, how one image is read from a file, and how it is cut to size."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from bench_core.errors import BadInput

Array = np.ndarray


class Images(Protocol):
    """One split of an image set: a sequence of uint8 arrays (height, width, 3) or (height, width, 1), with names."""

    names: Sequence[str]
    """Unique, in a fixed order, the same on every machine."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Array:
        """The image. Raises BadImage where it cannot be decoded."""
        ...


class BadImage(BadInput):
    """A file that is no readable image."""


def read_image(path: Path) -> Array:
    """Read any image file as 8-bit RGB or grey: (height, width, 3 or 1), uint8.

    The orientation tag is applied, transparency is dropped, palettes are resolved and 16-bit samples keep their upper
    8 bits. The format is told by the content, not by the file's name.

    Raises:
        BadImage: names the file and what is wrong with it.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith("I") or image.mode == "F":
                return _from_deep(np.asarray(image))[..., None]
            grey = image.mode in ("1", "L", "LA")
            array = np.asarray(image.convert("L" if grey else "RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise BadImage(f"{path} cannot be read as an image: {error}") from error
    return array if array.ndim == 3 else array[..., None]


def _from_deep(samples: Array) -> Array:
    if samples.max(initial=0) > 255:
        samples = samples / 257  # 65535 becomes 255
    return samples.round().clip(0, 255).astype(np.uint8)


def as_channels(image: Array, channels: int) -> Array:
    """Repeat grey to RGB, or reduce RGB to grey (ITU-R 601 luma), so that the image has `channels` channels."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def resized(image: Array, short_side: int) -> Array:
    """Resize so that the shorter side is `short_side`, with Pillow's antialiased bicubic filter."""
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if scale == 1:
        return image
    size = (max(short_side, round(width * scale)), max(short_side, round(height * scale)))
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return np.asarray(picture.resize(size, Image.Resampling.BICUBIC)).reshape(size[1], size[0], image.shape[2])
