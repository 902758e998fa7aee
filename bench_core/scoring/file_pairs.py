"""Truths and holes in files of any size, paired by name."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch

from bench_core.data.pairs import Pair, Pairs
from bench_core.errors import BadInput
from bench_core.images import Array, Images, as_channels, read_image
from bench_core.masks.mask_file import SUFFIX, MaskFile, read
from bench_core.masks.mask_images import read_levels


@dataclass
class ImageFileList:
    """Image files under names."""

    paths: Sequence[Path]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Array:
        return read_image(self.paths[index])


@dataclass(frozen=True)
class HolePictures:
    """One mask picture for each image; a sample of at least `threshold` is white."""

    paths: Sequence[Path]
    hole: str
    """ "white" or "black"."""
    threshold: int

    def __getitem__(self, index: int) -> Array:
        levels, _ = read_levels(self.paths[index])
        white = levels >= self.threshold
        return (white if self.hole == "white" else ~white).astype(np.uint8)


@dataclass(frozen=True)
class MaskFileHoles:
    """Holes of a mask set: those of the images' names where it has names, else one after the other."""

    file: MaskFile
    names: Sequence[str]
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        known = [str(Path(name).with_suffix("")) for name in self.file.manifest.get("names", ())]
        self._numbers.update({name: number for number, name in enumerate(known or self.names)})
        lacking = [name for name in self.names if name not in self._numbers]
        if lacking or (not known and len(self.names) > len(self.file)):
            raise BadInput(
                f"{self.file.path} holds {len(self.file)} holes, and none for {lacking[0]!r}."
                if lacking
                else f"{self.file.path} holds {len(self.file)} holes for {len(self.names)} images."
            )

    def __getitem__(self, index: int) -> Array:
        return self.file.hole(self._numbers[self.names[index]])


MaskSet = HolePictures | MaskFileHoles


@dataclass(frozen=True)
class FilePairs(Pairs):
    """Images as they are, neither cropped nor resized, each with its hole."""

    images: Images
    holes: MaskSet
    channels: int

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Pair:
        image = as_channels(self.images[index], self.channels)
        hole = self.holes[index]
        if hole.shape != image.shape[:2]:
            raise BadInput(
                f"The hole of {self.name(index)!r} is {hole.shape[1]} x {hole.shape[0]} pixels, but the image is "
                f"{image.shape[1]} x {image.shape[0]}. Nothing is resized here; give holes of the images' sizes."
            )
        planes = torch.from_numpy(image.transpose(2, 0, 1).copy())
        return Pair(index=index, image=planes, hole=torch.from_numpy(hole[None]))

    def name(self, index: int) -> str:
        return self.images.names[index]

    def holes_digest(self) -> str:
        """The sha256 of all holes in order, with their sizes."""
        summary = sha256()
        for index in range(len(self)):
            hole = self.holes[index]
            summary.update(f"{hole.shape}\0".encode() + np.packbits(hole).tobytes())
        return summary.hexdigest()


def open_holes(where: str, found: Sequence[Path], names: Sequence[str], hole: str, threshold: int) -> MaskSet:
    """A mask set's file, or mask pictures in the order of the images."""
    if where.endswith(SUFFIX):
        return MaskFileHoles(read(Path(where).expanduser()), names)
    return HolePictures(found, hole, threshold)
