"""The interface of an open image set, and functions that decode, convert and resize one image."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError
from PIL.Image import Transpose
from PIL.ImageFile import ImageFile

from bench_core.errors import BadInput

Array = np.ndarray
T = TypeVar("T")

_UPRIGHT_TURNS = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
"""Transposition that turns an image upright, by its EXIF orientation tag."""


@runtime_checkable
class Images(Protocol):
    """One split of an image set: a sequence of uint8 arrays, each (height, width, 3) or (height, width, 1)."""

    names: Sequence[str]
    """Unique names of the images, in an order that is the same on every machine."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Array:
        """Return an image. Raises BadImage if it cannot be decoded."""
        ...


@runtime_checkable
class ImageFiles(Images, Protocol):
    """Image set whose images are files below a folder, so that its digests and pixels can be cached."""

    folder: Path

    def encoded(self, index: int) -> bytes:
        """Return the encoded bytes of an image. Raises OSError or BadImage."""
        ...

    def stamps(self, indexes: Array) -> Iterator[str | None]:
        """Yield, for each index, a text that changes with the file (`bench_core.data.listing_cache.stamp`)."""
        ...


class BadImage(BadInput):
    """An image file cannot be decoded."""


def read_image(path: Path) -> Array:
    """Read an image file as 8-bit RGB or grey.

    The orientation tag is applied, transparency is dropped and palettes are resolved. 16-bit samples keep their upper
    8 bits. The format is detected from the content, not from the file name.

    Returns:
        uint8 (height, width, 3 or 1), writable.

    Raises:
        BadImage: the file cannot be read or decoded.
    """
    return decode(path, str(path), _eight_bit)


def decode_image(
    content: bytes, name: str, formats: tuple[str, ...] | None = None, max_pixels: int | None = None
) -> Array:
    """Decode the bytes of an image file as `read_image` does.

    Args:
        name: name of the image in error messages.
        formats: accepted formats, by Pillow's names; None accepts all that Pillow reads.
        max_pixels: reject a larger image before it is decoded.

    Raises:
        BadImage: the bytes cannot be decoded, or the image is too large.
    """
    return decode(BytesIO(content), name, _eight_bit, formats, max_pixels)


def decode(
    source: Path | BytesIO,
    name: str,
    convert: Callable[[Image.Image, str], T],
    formats: tuple[str, ...] | None = None,
    max_pixels: int | None = None,
) -> T:
    """Decode an image file, turn it upright, and return what `convert` makes of it and of Pillow's name of its format.

    The other arguments and errors are those of `decode_image`.
    """
    try:
        # Pillow warns about oddities that do not prevent decoding, such as a broken EXIF entry or many pixels.
        with warnings.catch_warnings(action="ignore"), Image.open(source, formats=formats) as file:
            if max_pixels is not None and file.width * file.height > max_pixels:
                raise ValueError(f"it has {file.width} x {file.height} pixels, more than {max_pixels:,}")
            return convert(_upright(file), file.format or "")
    except UnidentifiedImageError as error:
        raise BadImage(f"{name} cannot be read as an image: its content is of no known format") from error
    except Exception as error:  # damaged files make Pillow raise errors of many kinds
        raise BadImage(f"{name} cannot be read as an image: {error}") from error


def _upright(file: ImageFile) -> Image.Image:
    # ImageOps.exif_transpose would rewrite the EXIF data, which fails if another entry is broken.
    file.load()  # for a TIFF, this applies the tag and removes it
    turn = _UPRIGHT_TURNS.get(file.getexif().get(ExifTags.Base.Orientation, 1))
    return file if turn is None else file.transpose(turn)


def has_sixteen_bits(image: Image.Image, file_format: str) -> bool:
    """Return whether grey samples have 16 bits. Older Pillow opens such a PNG with 32-bit samples."""
    return image.mode.startswith("I;16") or (image.mode == "I" and file_format == "PNG")


def _eight_bit(image: Image.Image, file_format: str) -> Array:
    if has_sixteen_bits(image, file_format):
        return (np.asarray(image) >> 8).astype(np.uint8)[..., None]
    if image.mode in ("I", "F"):
        raise ValueError("its samples have 32 bits, for which white is not defined; save it with 8 or 16")
    grey = image.mode in ("1", "L", "LA")
    array = np.array(image.convert("L" if grey else "RGB"))
    return array[..., None] if grey else array


def as_png(image: Array) -> bytes:
    """Encode a uint8 array (height, width, 3 or 1) as PNG."""
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def as_channels(image: Array, channels: int) -> Array:
    """Convert an image to 1 or 3 channels: grey is repeated, RGB becomes its ITU-R 601 luma."""
    if image.shape[2] == channels:
        return image
    if channels == 3:
        return np.repeat(image, 3, axis=2)
    return np.asarray(Image.fromarray(image).convert("L"))[..., None]


def resized(image: Array, short_side: int) -> Array:
    """Resize an image to a shorter side of `short_side` pixels, with Pillow's antialiased bicubic filter."""
    height, width = image.shape[:2]
    scale = short_side / min(height, width)
    if scale == 1:
        return image
    size = (max(short_side, round(width * scale)), max(short_side, round(height * scale)))
    pillow_image = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return np.asarray(pillow_image.resize(size, Image.Resampling.BICUBIC)).reshape(size[1], size[0], image.shape[2])
