"""Decoded images on disk, so that only the first epoch of the first run decodes image files.

`KEY.pixels` holds the pixels of a list of images, each scaled for a protocol, one after another. It is mapped into
memory. `KEY.npz` holds the location of each image and is written last: without it the cache is empty. The key hashes
the content of the image files, so a new file under an old name is a miss. Damage is detected by CRC-32, for the table
by the zip's own and for each image when it is read. A damaged image is decoded again.
"""

import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import PIL

from bench_core.data.decode import DecodedImage
from bench_core.data.digest_cache import DigestTable, cached_digests
from bench_core.data.fingerprint import FINGERPRINT
from bench_core.data.pairs import scaled
from bench_core.images import Array, BadImage, ImageFiles, Images
from bench_core.protocol import Protocol
from bench_core.seeds import digest
from bench_core.system import files
from bench_core.system.progress import console

FORMAT = 4
LOCATION = np.dtype([("index", "i8"), ("offset", "i8"), ("shape", "i4", 3), ("record", FINGERPRINT), ("crc", "u4")])
"""An image's offset in bytes, its shape, the fingerprint of its unscaled pixels, and its CRC-32."""
TABLE = ".npz"


@dataclass
class CachedImages:
    """Image set of which some images are read from a cache file. The others are decoded as before."""

    images: Images
    path: Path
    locations: np.ndarray
    """`LOCATION` (n,), ascending by index."""
    names: Sequence[str] = field(init=False)
    digests: DigestTable = field(init=False)

    def __post_init__(self) -> None:
        self.names = self.images.names
        self.digests = DigestTable(self.locations["index"], self.locations["record"])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Array:
        """Return uint8 (height, width, channels), read-only if it comes from the cache."""
        row = np.searchsorted(self.digests.indexes, index)
        if row == len(self.locations) or self.digests.indexes[row] != index:
            return self.images[index]
        place = self.locations[row]
        pixels = np.asarray(np.memmap(self.path, np.uint8, "r", int(place["offset"]), tuple(place["shape"].tolist())))
        if zlib.crc32(pixels.data) == place["crc"]:
            return pixels
        with suppress(OSError):
            self.path.with_suffix(TABLE).unlink()  # the next run writes the cache again
        return self.images[index]


class _TooLarge(Exception):
    """Raised if the images take more space than allowed."""


@dataclass(frozen=True)
class PixelCache:
    """Folder of cached pixels, scaled for one protocol."""

    folder: Path
    protocol: Protocol
    max_gib: float
    """Maximum size of one list of images in GiB. Never more than half of the free disk space is used."""

    def fits(self, num_images: int) -> bool:
        """Return whether that many images may fit. If they cannot, print why."""
        too_large = num_images * self._min_image_bytes > self._max_bytes
        if too_large:
            self._print_refusal(self._too_large(num_images))
        return not too_large

    def load(self, images: ImageFiles, indexes: np.ndarray) -> CachedImages | None:
        """Return the images of a list with their cached pixels, or None if the list is not cached."""
        path = self._path(images, indexes)
        try:
            with path.with_suffix(TABLE).open("rb") as file, np.load(file, allow_pickle=False) as table:
                locations = table["places"]
            pixel_bytes = int(locations["shape"].prod(axis=1, dtype=np.int64).sum())
            intact = locations.dtype == LOCATION and path.stat().st_size == pixel_bytes
        except Exception:  # a damaged table makes numpy raise errors of many kinds; all of them are cache misses
            return None
        return CachedImages(images, path, locations) if intact else None

    def store(self, images: ImageFiles, indexes: np.ndarray, decoded: Iterator[DecodedImage]) -> CachedImages | None:
        """Write decoded images to the cache and return the image set that reads from it.

        Returns:
            None, after printing why, if there is not enough space. `decoded` may then have items left.
        """
        path, locations = self._path(images, indexes), []
        try:
            files.write(path, lambda temporary: locations.append(self._write(temporary, len(indexes), decoded)))
            files.write(path.with_suffix(TABLE), lambda temporary: np.savez(temporary, places=locations[0]))
        except (_TooLarge, OSError) as reason:
            self._print_refusal(reason)
            return None
        return CachedImages(images, path, locations[0])

    def _write(self, path: Path, num_images: int, decoded: Iterable[DecodedImage]) -> np.ndarray:
        with path.open("wb") as file:

            def write_each() -> Iterator[tuple[Any, ...]]:
                for done, each in enumerate(decoded, start=1):
                    assert each.pixels is not None, "decoded without pixels"
                    image = scaled(each.pixels, self.protocol)
                    content = image.tobytes()
                    yield each.index, file.tell(), image.shape, each.fingerprint, zlib.crc32(content)
                    file.write(content)
                    if file.tell() + (num_images - done) * self._min_image_bytes > self._max_bytes:
                        raise self._too_large(num_images)

            return np.fromiter(write_each(), LOCATION)

    def _too_large(self, num_images: int) -> _TooLarge:
        return _TooLarge(f"{num_images} images take more than {self._max_bytes / 2**30:.1f} GiB")

    def _print_refusal(self, reason: Exception) -> None:
        console.print(f"Decoded images are not cached in {self.folder}: {reason}.", markup=False, soft_wrap=True)

    @cached_property
    def _max_bytes(self) -> float:
        existing = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        return min(self.max_gib * 2**30, shutil.disk_usage(existing).free / 2)

    @property
    def _min_image_bytes(self) -> int:
        """Size of a square image; all others are larger."""
        return (self.protocol.resize or self.protocol.size) ** 2 * self.protocol.channels

    def _path(self, images: ImageFiles, indexes: np.ndarray) -> Path:
        scaling = self.protocol.model_dump(include={"size", "resize", "channels"})
        key = sha256(digest([FORMAT, PIL.__version__, scaling]).encode())
        contents = cached_digests("content", images, indexes, lambda missing: _content_digests(images, missing))
        for index, content in contents.lookup(indexes):
            key.update(f"{index}\0{images.names[index]}\0{content}\0".encode())
        return self.folder / f"{key.hexdigest()[:16]}.pixels"


def _content_digests(images: ImageFiles, indexes: np.ndarray) -> Iterator[tuple[int, tuple[bytes]]]:
    for index in indexes.tolist():
        with suppress(OSError, BadImage):  # decoding reports the error
            yield index, (sha256(images.encoded(index)).digest(),)
