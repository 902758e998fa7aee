"""Decoded images on disk, so that no epoch but the first decodes, and no run but the first.

`KEY.pixels` holds the bytes of a list of images, each scaled for a protocol, one after another, and is mapped into
memory. `KEY.json` tells where each lies and is written last: without it there is nothing. The key is made of the
files' contents, so that another picture under the same name is never mistaken.
"""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import PIL

from bench_core import files
from bench_core.images import Array, ImageFiles, Images
from bench_core.pairs import scaled
from bench_core.progress import console
from bench_core.protocol import Protocol
from bench_core.seeds import digest

FORMAT = 1


class Place(NamedTuple):
    """Where an image lies in the file, its shape, and the digest that it had as it came from its own file."""

    offset: int
    shape: tuple[int, int, int]
    digest: str


@dataclass
class DecodedImages:
    """An image set of which some images lie decoded and scaled in one file. The others are read as ever."""

    images: Images
    path: Path
    places: Mapping[int, Place]
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = self.images.names

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Array:
        """uint8 (height, width, channels), not to be changed."""
        if index not in self.places:
            return self.images[index]
        offset, shape, _ = self.places[index]
        return np.asarray(np.memmap(self.path, np.uint8, "r", offset, shape))


class _TooLarge(Exception):
    """The images would take more room than they may."""


@dataclass(frozen=True)
class Shelf:
    """A folder of decoded images, scaled for one protocol."""

    folder: Path
    protocol: Protocol
    most: float
    """GiB that one list of images may take; never more than half of what is free."""

    def find(self, images: ImageFiles, indexes: Sequence[int]) -> DecodedImages | None:
        """Those images of a list that are kept, None if there are none."""
        path = self._path(images, indexes)
        try:
            found = json.loads(path.with_suffix(".json").read_text())
            whole = path.stat().st_size == found["bytes"]
        except (OSError, ValueError, KeyError):
            return None
        places = {index: Place(offset, tuple(shape), of) for index, offset, shape, of in found["places"]}
        return DecodedImages(images, path, places) if whole else None

    def fill(
        self, images: ImageFiles, indexes: Sequence[int], decoded: Iterator[tuple[int, Array, str]]
    ) -> DecodedImages | None:
        """Keep decoded images of a list, which come with index and digest; None, and it is said, if there is no room.

        All of `decoded` has been taken only if they are kept.
        """
        path, places = self._path(images, indexes), {}
        try:
            files.write(path, lambda temporary: places.update(self._write(temporary, len(indexes), decoded)))
            entries = [[index, *place] for index, place in places.items()]
            files.write_json(path.with_suffix(".json"), {"bytes": path.stat().st_size, "places": entries})
        except (_TooLarge, OSError) as reason:
            console.print(f"Decoded images are not kept in {self.folder}: {reason}.", markup=False, soft_wrap=True)
            return None
        return DecodedImages(images, path, places)

    def _write(self, path: Path, count: int, decoded: Iterable[tuple[int, Array, str]]) -> Iterator[tuple[int, Place]]:
        allowed = min(self.most * 2**30, shutil.disk_usage(path.parent).free / 2)
        least = (self.protocol.resize or self.protocol.size) ** 2 * self.protocol.channels  # a square
        with path.open("wb") as file:
            for done, (index, pixels, of) in enumerate(decoded, start=1):
                image = scaled(pixels, self.protocol)
                yield index, Place(file.tell(), image.shape, of)
                file.write(image.tobytes())
                if file.tell() + (count - done) * least > allowed:
                    raise _TooLarge(f"{count} of them take more than {allowed / 2**30:.1f} GiB")

    def _path(self, images: ImageFiles, indexes: Sequence[int]) -> Path:
        cut = self.protocol.model_dump(include={"size", "resize", "channels"})
        contents = [[index, images.names[index], _content(images.path(index))] for index in indexes]
        return self.folder / f"{digest([FORMAT, PIL.__version__, cut, contents])[:16]}.pixels"


def _content(path: Path) -> str:
    try:
        return files.sha256(path)
    except OSError:  # told as a bad image when it is read
        return ""
