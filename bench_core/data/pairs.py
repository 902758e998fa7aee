"""Pairs of image and hole. Image i always gets hole i, for every batch size, number of workers, method and device."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, sqrt
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from bench_core import seeds
from bench_core.images import Array, Images, as_channels, resized
from bench_core.masks.mask_set import MaskSet
from bench_core.protocol import Protocol


class Pair(TypedDict):
    """One image and its hole. In a batch, every entry has a first dimension for the pair."""

    index: int
    image: Tensor
    """uint8 (channels, size, size)."""
    hole: Tensor
    """uint8 (1, size, size), 1 = missing."""


class Pairs(Dataset[Pair]):
    """Evaluation pairs in a fixed order."""

    def __len__(self) -> int:
        raise NotImplementedError

    def name(self, index: int) -> str:
        """Return the name of a pair in result rows."""
        raise NotImplementedError


@dataclass(frozen=True)
class TestPairs(Pairs):
    """Evaluation pairs of a protocol: each test image, cut into crops, with the holes of one mask set."""

    __test__ = False  # keeps pytest from collecting the class for its name
    protocol: Protocol
    images: Images
    mask_set: MaskSet

    def __len__(self) -> int:
        return len(self.images) * self.protocol.crops

    def __getitem__(self, index: int) -> Pair:
        image_index, crop = divmod(index, self.protocol.crops)
        image = scaled(self.images[image_index], self.protocol)
        size = self.protocol.size
        top, left = _crop_corners(image.shape[0] - size, image.shape[1] - size, self.protocol.crops)[crop]
        return _pair(index, image[top : top + size, left : left + size], self.hole(index))

    def hole(self, index: int) -> Array:
        """Return the hole of a pair: uint8 (size, size), 1 = missing."""
        return self.mask_set.draw(self.protocol.size, self.protocol.seed, index)

    def name(self, index: int) -> str:
        """Return the image's name, followed by ``#CROP`` if the protocol takes several crops."""
        image_index, crop = divmod(index, self.protocol.crops)
        return self.images.names[image_index] + (f"#{crop}" if self.protocol.crops > 1 else "")


@dataclass(frozen=True)
class TrainPairs(Dataset[Pair]):
    """Endless sequence of random crops with random holes. A pair depends on seed and position alone."""

    protocol: Protocol
    images: Images
    mask_sets: Sequence[MaskSet]
    seed: int
    readable: Array | None = None
    """Indexes of the images that were decoded before, ascending. If given, the next of them replaces an image that is
    not among them. If None, nothing is replaced. An image that cannot be decoded any more raises BadImage."""

    def __getitem__(self, position: int) -> Pair:
        size = self.protocol.size
        image = scaled(self.images[self.image_at(position)], self.protocol)
        rng = seeds.generator("crop", self.seed, position)
        top, left = (int(rng.integers(0, extent - size, endpoint=True)) for extent in image.shape[:2])
        mask_set = self.mask_sets[int(rng.integers(len(self.mask_sets)))]
        hole = mask_set.draw(size, "train", self.seed, position)
        return _pair(position, image[top : top + size, left : left + size], hole)

    def image_at(self, position: int) -> int:
        """Return the index of the image that is read at a position.

        Every epoch takes each image once, in its own order. A stand-in is read in place of an unreadable image.
        """
        epoch, within = divmod(position, len(self.images))
        return int(self._stand_ins(_order(len(self.images), self.seed, epoch)[[within]])[0])

    def drawn_images(self, num_images_drawn: int) -> Array:
        """Return the indexes of the images that are read at the first positions, in this order, each once."""
        read = self._stand_ins(_order(len(self.images), self.seed, 0)[:num_images_drawn])
        return read[np.sort(np.unique(read, return_index=True)[1])]

    def _stand_ins(self, indexes: Array) -> Array:
        """Replace each unreadable image by the next readable one; the first follows the last."""
        if self.readable is None or not len(self.readable):
            return indexes
        return self.readable[np.searchsorted(self.readable, indexes) % len(self.readable)]


@lru_cache(maxsize=2)  # neighbouring positions share an epoch; two trainings may alternate in one process
def _order(count: int, seed: int, epoch: int) -> Array:
    return seeds.generator("order", seed, epoch).permutation(count)


def scaled(image: Array, protocol: Protocol) -> Array:
    """Convert an image to the protocol's channels and short side. It is never smaller than a crop."""
    image = as_channels(image, protocol.channels)
    return resized(image, max(protocol.size, protocol.resize or min(image.shape[:2])))


def _crop_corners(free_height: int, free_width: int, crops: int) -> list[tuple[int, int]]:
    """Return the (top, left) of crops spread evenly over an image. A single crop is centred."""
    if crops == 1:
        return [(free_height // 2, free_width // 2)]
    columns = ceil(sqrt(crops)) if min(free_height, free_width) > 0 else crops
    rows = ceil(crops / columns)
    if free_width == 0:
        rows, columns = columns, rows
    tops = np.linspace(0, free_height, rows).round().astype(int) if rows > 1 else [free_height // 2]
    lefts = np.linspace(0, free_width, columns).round().astype(int) if columns > 1 else [free_width // 2]
    return [(int(top), int(left)) for top in tops for left in lefts][:crops]


def _pair(index: int, image: Array, hole: Array) -> Pair:
    return Pair(
        index=index,
        image=torch.from_numpy(image.transpose(2, 0, 1).copy()),  # a copy, because Pillow's arrays are read-only
        hole=torch.from_numpy(hole[None]),
    )


def to_floats(pair: Pair, device: torch.device | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Move a batch to a device and convert it to floats.

    Returns:
        The image (b, c, h, w) in [0, 1], the hole (b, 1, h, w), and the image with its hidden pixels set to zero.
    """
    # Bytes are moved before the conversion: they are a quarter of the size of floats.
    image, hole = (pair[name].to(device, non_blocking=True).float() for name in ("image", "hole"))
    image = image / 255
    return image, hole, image * (1 - hole)
