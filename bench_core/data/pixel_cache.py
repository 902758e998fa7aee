"""Decoded images on disk, so that no epoch but the first decodes, and no run but the first.

`KEY.pixels` holds the bytes of a list of images, each scaled for a protocol, one after another, and is mapped into
memory. `KEY.npz` tells where each lies and is written last: without it there is nothing. The key is made of the
files' contents, so that another picture under the same name is never mistaken. Whatever has changed on disk is told by
its CRC-32, and is decoded anew: a zip's own for the table, one for each image when it is read.
"""

import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
import PIL

from bench_core.data.decode import DecodedImage
from bench_core.data.digest_cache import cached_digests
from bench_core.data.digests import DigestTable
from bench_core.data.pairs import scaled
from bench_core.images import Array, BadImage, ImageFiles, Images
from bench_core.protocol import Protocol
from bench_core.seeds import digest
from bench_core.system import files
from bench_core.system.progress import console

FORMAT = 3
PLACE = np.dtype([("index", "i8"), ("offset", "i8"), ("shape", "i4", 3), ("digest", "S32"), ("crc", "u4")])
"""Where an image lies in the file, its shape, the digest that it had as it came from its own file, and its CRC-32."""
TABLE = ".npz"


@dataclass
class CachedImages:
    """An image set of which some images lie decoded and scaled in one file. The others are read as ever."""

    images: Images
    path: Path
    places: np.ndarray
    """Of the type `PLACE`, by ascending index."""
    names: Sequence[str] = field(init=False)
    digests: DigestTable = field(init=False)

    def __post_init__(self) -> None:
        self.names = self.images.names
        self.digests = DigestTable(self.places["index"], self.places["digest"])

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Array:
        """uint8 (height, width, channels), not to be changed."""
        row = np.searchsorted(self.digests.indexes, index)
        if row == len(self.places) or self.digests.indexes[row] != index:
            return self.images[index]
        place = self.places[row]
        pixels = np.asarray(np.memmap(self.path, np.uint8, "r", int(place["offset"]), tuple(place["shape"].tolist())))
        if zlib.crc32(pixels.data) == place["crc"]:
            return pixels
        with suppress(OSError):
            self.path.with_suffix(TABLE).unlink()  # the next run keeps them anew
        return self.images[index]


class _TooLarge(Exception):
    """The images would take more room than they may."""


@dataclass(frozen=True)
class PixelCache:
    """A folder of decoded images, scaled for one protocol."""

    folder: Path
    protocol: Protocol
    most: float
    """GiB that one list of images may take; never more than half of what is free."""

    def has_room(self, count: int) -> bool:
        """Whether so many images may fit; it is said where they cannot."""
        too_large = count * self._least > self._allowed
        if too_large:
            self._refuse(self._too_large(count))
        return not too_large

    def find(self, images: ImageFiles, indexes: np.ndarray) -> CachedImages | None:
        """Those images of a list that are kept, None if there are none."""
        path = self._path(images, indexes)
        try:
            with path.with_suffix(TABLE).open("rb") as file, np.load(file, allow_pickle=False) as table:
                places = table["places"]
            whole = places.dtype == PLACE and path.stat().st_size == _size(places)
        except Exception:  # damage makes numpy raise errors of many kinds, and all that it costs is to decode
            return None
        return CachedImages(images, path, places) if whole else None

    def fill(self, images: ImageFiles, indexes: np.ndarray, seen: Iterator[DecodedImage]) -> CachedImages | None:
        """Keep decoded images of a list, in its order; None, and it is said, if there is no room.

        All of `seen` has been taken only if they are kept.
        """
        path, places = self._path(images, indexes), []
        try:
            files.write(path, lambda temporary: places.append(self._write(temporary, len(indexes), seen)))
            files.write(path.with_suffix(TABLE), lambda temporary: np.savez(temporary, places=places[0]))
        except (_TooLarge, OSError) as reason:
            self._refuse(reason)
            return None
        return CachedImages(images, path, places[0])

    def _write(self, path: Path, count: int, seen: Iterable[DecodedImage]) -> np.ndarray:
        with path.open("wb") as file:

            def written() -> Iterator[tuple[int, int, tuple[int, ...], bytes, int]]:
                for done, each in enumerate(seen, start=1):
                    assert each.pixels is not None, "the shelf is given pixels"
                    image = scaled(each.pixels, self.protocol)
                    content = image.tobytes()
                    yield each.index, file.tell(), image.shape, each.digest, zlib.crc32(content)
                    file.write(content)
                    if file.tell() + (count - done) * self._least > self._allowed:
                        raise self._too_large(count)

            return np.fromiter(written(), PLACE)

    def _too_large(self, count: int) -> _TooLarge:
        return _TooLarge(f"{count} of them take more than {self._allowed / 2**30:.1f} GiB")

    def _refuse(self, reason: Exception) -> None:
        console.print(f"Decoded images are not kept in {self.folder}: {reason}.", markup=False, soft_wrap=True)

    @cached_property
    def _allowed(self) -> float:
        existing = next(path for path in (self.folder, *self.folder.parents) if path.exists())
        return min(self.most * 2**30, shutil.disk_usage(existing).free / 2)

    @property
    def _least(self) -> int:
        """Bytes of a square."""
        return (self.protocol.resize or self.protocol.size) ** 2 * self.protocol.channels

    def _path(self, images: ImageFiles, indexes: np.ndarray) -> Path:
        cut = self.protocol.model_dump(include={"size", "resize", "channels"})
        key = sha256(digest([FORMAT, PIL.__version__, cut]).encode())
        contents = cached_digests("content", images, indexes, lambda missing: _contents(images, missing))
        for index, content in contents.among(indexes):
            key.update(f"{index}\0{images.names[index]}\0{content}\0".encode())
        return self.folder / f"{key.hexdigest()[:16]}.pixels"


def _size(places: np.ndarray) -> int:
    return int(places["shape"].prod(axis=1, dtype=np.int64).sum())


def _contents(images: ImageFiles, indexes: np.ndarray) -> Iterator[tuple[int, bytes]]:
    for index in indexes.tolist():
        try:
            yield index, sha256(images.encoded(index)).digest()
        except (OSError, BadImage):  # told when it is decoded
            continue
