"""What an image set opens to, how one image is read from a file, and how it is cut to size."""

import warnings
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.Image import Transpose
from PIL.ImageFile import ImageFile

from bench_core.errors import BadInput

Array = np.ndarray

_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""What makes an image upright, by its orientation tag."""


@runtime_checkable
class Images(Protocol):
    """One split of an image set: a sequence of uint8 arrays (height, width, 3) or (height, width, 1), with names."""

    names: Sequence[str]
    """Unique, in a fixed order, the same on every machine."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Array:
        """The image. Raises BadImage where it cannot be decoded."""
        ...


@runtime_checkable
class ImageFiles(Images, Protocol):
    """Images that lie in files below a folder."""

    folder: Path

    def encoded(self, index: int) -> bytes:
        """The image as it lies in its file. Raises OSError or BadImage."""
        ...

    def stamps(self, indexes: Array) -> Iterator[str | None]:
        """For each index, a text that changes with the image's file (`bench_core.data.listing_cache.stamp`)."""
        ...


class BadImage(BadInput):
    """A file that is no readable image."""


def read_image(path: Path) -> Array:
    """Read any image file as 8-bit RGB or grey: (height, width, 3 or 1), uint8, the caller's to change.

    The orientation tag is applied, transparency is dropped, palettes are resolved and 16-bit samples keep their upper
    8 bits. The format is told by the content, not by the file's name.

    Raises:
        BadImage: names the file and what is wrong with it.
    """
    return _read(path, str(path))


def decode_image(
    content: bytes, name: str, formats: tuple[str, ...] | None = None, most_pixels: int | None = None
) -> Array:
    """What `read_image` makes of a file with this content.

    Args:
        formats: those that are read, by Pillow's names; None reads all that it knows.
        most_pixels: a larger picture is refused before it is decoded.

    Raises:
        BadImage: says `name` and what is wrong.
    """
    return _read(BytesIO(content), name, formats, most_pixels)


def _read(
    source: Path | BytesIO, name: str, formats: tuple[str, ...] | None = None, most_pixels: int | None = None
) -> Array:
    try:
        # Pillow warns of oddities that do not hinder reading, such as a broken EXIF entry or many pixels.
        with warnings.catch_warnings(action="ignore"), Image.open(source, formats=formats) as file:
            if most_pixels is not None and file.width * file.height > most_pixels:
                raise ValueError(f"it has {file.width} x {file.height} pixels, more than {most_pixels:,}")
            array = _eight_bit(_upright(file), file.format)
    except UnidentifiedImageError as error:
        raise BadImage(f"{name} cannot be read as an image: its content is of no known format") from error
    except Exception as error:  # damaged files make Pillow raise errors of many kinds
        raise BadImage(f"{name} cannot be read as an image: {error}") from error
    return array if array.ndim == 3 else array[..., None]


def _upright(file: ImageFile) -> Image.Image:
    # Not ImageOps.exif_transpose: it writes the EXIF data anew, which fails where another entry is broken.
    file.load()  # turns a TIFF, and takes its tag away
    turn = _TURNS.get(file.getexif().get(ExifTags.Base.Orientation, 1))
    return file if turn is None else file.transpose(turn)


def _eight_bit(image: Image.Image, file_format: str | None) -> Array:
    # Older Pillow opens a 16-bit PNG with 32-bit samples.
    if image.mode.startswith("I;16") or (image.mode == "I" and file_format == "PNG"):
        return (np.asarray(image) >> 8).astype(np.uint8)
    if image.mode in ("I", "F"):
        raise ValueError("its samples have 32 bits, for which no value is agreed to be white; save it with 8 or 16")
    grey = image.mode in ("1", "L", "LA")
    return np.array(image.convert("L" if grey else "RGB"))


def as_png(image: Array) -> bytes:
    """A uint8 array (height, width, 3 or 1) as the content of a PNG file, lossless."""
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


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
