"""Pairs of ground truth and hole from image files of any size, matched by name."""

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
from bench_core.masks.mask_folder import describe_errors, refuse_blank
from bench_core.masks.mask_images import describe_blank, is_blank, read_mask
from bench_core.system.progress import progress_bar


@dataclass
class ImageFileList:
    """Image files with names."""

    paths: Sequence[Path]
    names: Sequence[str]

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Array:
        return read_image(self.paths[index])


@dataclass(frozen=True)
class MaskImageHoles:
    """Holes from mask images, one for each image."""

    paths: Sequence[Path]
    hole: str
    """Colour of missing pixels: "white" or "black"."""
    threshold: int
    """Grey level from which a pixel is white."""

    def __getitem__(self, index: int) -> Array:
        return read_mask(self.paths[index]).hole(self.hole, self.threshold)

    def check(self) -> None:
        """Decode all mask images. Raises BadInput: one cannot be read, or each marks nothing or everything."""
        blank, errors = [], []
        with progress_bar("checking masks", len(self.paths), "masks") as progress:
            for number, path in enumerate(self.paths, 1):
                try:
                    mask = read_mask(path)
                    if is_blank(hole := mask.hole(self.hole, self.threshold)):
                        blank.append(describe_blank(mask, hole))
                except BadInput as error:
                    errors.append(str(error))
                progress(number)
        if errors:
            raise BadInput(describe_errors(errors))
        refuse_blank(self.paths[0].parent, blank, len(self.paths))


@dataclass(frozen=True)
class MaskFileHoles:
    """Holes from a mask set's file: by the images' names if the file has names, else in order."""

    file: MaskFile
    names: Sequence[str]
    _numbers: dict[str, int] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        known = [str(Path(name).with_suffix("")) for name in self.file.manifest.get("names", ())]
        self._numbers.update({name: number for number, name in enumerate(known or self.names)})
        unmatched = [name for name in self.names if name not in self._numbers]
        if unmatched or (not known and len(self.names) > len(self.file)):
            raise BadInput(
                f"{self.file.path} holds {len(self.file)} holes, and none for {unmatched[0]!r}."
                if unmatched
                else f"{self.file.path} holds {len(self.file)} holes for {len(self.names)} images."
            )

    def __getitem__(self, index: int) -> Array:
        return self.file.hole(self._numbers[self.names[index]])


FileHoles = MaskImageHoles | MaskFileHoles


@dataclass(frozen=True)
class FilePairs(Pairs):
    """Images with their holes, neither cropped nor resized."""

    images: Images
    holes: FileHoles
    channels: int

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Pair:
        image = as_channels(self.images[index], self.channels)
        hole = self.holes[index]
        if hole.shape != image.shape[:2]:
            raise BadInput(
                f"The hole of {self.name(index)!r} is {hole.shape[1]} x {hole.shape[0]} pixels, but the image is "
                f"{image.shape[1]} x {image.shape[0]}. Holes are not resized; give holes of the images' sizes."
            )
        planes = torch.from_numpy(image.transpose(2, 0, 1).copy())
        return Pair(index=index, image=planes, hole=torch.from_numpy(hole[None]))

    def name(self, index: int) -> str:
        return self.images.names[index]

    @property
    def sizes(self) -> set[tuple[int, int]]:
        """Height and width of every image and hole."""
        return {self.holes[index].shape[:2] for index in range(len(self))}

    def holes_digest(self) -> str:
        """Return the sha256 of all holes in order, with their sizes."""
        summary = sha256()
        for index in range(len(self)):
            hole = self.holes[index]
            summary.update(f"{hole.shape}\0".encode() + np.packbits(hole).tobytes())
        return summary.hexdigest()


def open_holes(where: str, found: Sequence[Path], names: Sequence[str], hole: str, threshold: int) -> FileHoles:
    """Open the holes of images.

    Args:
        where: A mask set's file; anything else means mask images.
        found: Mask images in the order of the images.
        names: Names of the images.
        hole: Colour of missing pixels in mask images: "white" or "black".
        threshold: Grey level from which a pixel of a mask image is white.

    Raises:
        BadInput: A mask cannot be read, or none of them marks a part of its image.
    """
    if where.endswith(SUFFIX):
        return MaskFileHoles(read(Path(where).expanduser()).require_holes(), names)
    images = MaskImageHoles(found, hole, threshold)
    images.check()
    return images
