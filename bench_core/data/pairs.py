"""Image i always meets hole i, whatever the batch size, the number of workers, the method or the device."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, sqrt
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from bench_core import seeds
from bench_core.images import Array, BadImage, Images, as_channels, resized
from bench_core.masks.mask_set import MaskSet
from bench_core.protocol import Protocol


class Pair(TypedDict):
    """One image and its hole; in a batch every entry gains a first dimension."""

    index: int
    image: Tensor
    """uint8 (channels, size, size)."""
    hole: Tensor
    """uint8 (1, size, size), 1 = missing."""


class Pairs(Dataset[Pair]):
    """Pairs that pictures are judged on, in a fixed order."""

    def __len__(self) -> int:
        raise NotImplementedError

    def name(self, index: int) -> str:
        """What the rows of a pair are known by."""
        raise NotImplementedError


@dataclass(frozen=True)
class TestPairs(Pairs):
    """The pairs that every method is judged on: each test image, cut into crops, under one mask set."""

    __test__ = False  # no test case, whatever pytest makes of the name
    protocol: Protocol
    images: Images
    holes: MaskSet

    def __len__(self) -> int:
        return len(self.images) * self.protocol.crops

    def __getitem__(self, index: int) -> Pair:
        which, crop = divmod(index, self.protocol.crops)
        image = scaled(self.images[which], self.protocol)
        size = self.protocol.size
        top, left = _spread(image.shape[0] - size, image.shape[1] - size, self.protocol.crops)[crop]
        return _pair(index, image[top : top + size, left : left + size], self.hole(index))

    def hole(self, index: int) -> Array:
        return self.holes.draw(self.protocol.size, self.protocol.seed, index)

    def name(self, index: int) -> str:
        """The image's name, with the number of the crop where there are several."""
        which, crop = divmod(index, self.protocol.crops)
        return self.images.names[which] + (f"#{crop}" if self.protocol.crops > 1 else "")


@dataclass(frozen=True)
class TrainPairs(Dataset[Pair]):
    """An endless sequence of random crops under random holes, a function of (seed, position) alone."""

    protocol: Protocol
    images: Images
    holes: Sequence[MaskSet]
    seed: int
    sound: Array | None = None
    """Indexes of images that are known to be readable. The next image stands in for any other that cannot be decoded;
    without this, none does."""

    def __getitem__(self, position: int) -> Pair:
        size = self.protocol.size
        image = scaled(self._read(self.image_at(position)), self.protocol)
        rng = seeds.generator("crop", self.seed, position)
        top, left = (int(rng.integers(0, extent - size, endpoint=True)) for extent in image.shape[:2])
        holes = self.holes[int(rng.integers(len(self.holes)))]
        return _pair(
            position, image[top : top + size, left : left + size], holes.draw(size, "train", self.seed, position)
        )

    def image_at(self, position: int) -> int:
        """Every epoch shows each image once, in an order of its own."""
        epoch, within = divmod(position, len(self.images))
        return int(_order(len(self.images), self.seed, epoch)[within])

    def drawn(self, num_images_drawn: int) -> Array:
        """Indexes of the images that the first `num_images_drawn` positions take, ascending."""
        return np.sort(_order(len(self.images), self.seed, 0)[:num_images_drawn])

    def _read(self, index: int) -> Array:
        for offset in range(len(self.images)):
            which = (index + offset) % len(self.images)
            try:
                return self.images[which]
            except BadImage:
                if self.sound is None or which in self.sound:
                    raise
        raise BadImage("Not one training image can be decoded.")


_orders: dict[tuple[int, int], tuple[int, Array]] = {}


def _order(count: int, seed: int, epoch: int) -> Array:
    """The order of one epoch; the last one asked for is kept, since neighbours share it."""
    if _orders.get((count, seed), (-1,))[0] != epoch:
        _orders[count, seed] = (epoch, seeds.generator("order", seed, epoch).permutation(count))
    return _orders[count, seed][1]


def scaled(image: Array, protocol: Protocol) -> Array:
    """With the protocol's channels and short side, and never smaller than a crop."""
    image = as_channels(image, protocol.channels)
    return resized(image, max(protocol.size, protocol.resize or min(image.shape[:2])))


def _spread(free_height: int, free_width: int, crops: int) -> list[tuple[int, int]]:
    """Corners of crops spread evenly over an image; a single one is centered."""
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
        image=torch.from_numpy(image.transpose(2, 0, 1).copy()),  # Pillow's arrays are read-only
        hole=torch.from_numpy(hole[None]),
    )


def to_floats(pair: Pair, device: torch.device | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """A batch as floats, on a device: image in [0, 1], hole, and the masked image, hidden pixels zero.

    The bytes are moved, which are a quarter of the floats.
    """
    image, hole = (pair[name].to(device, non_blocking=True).float() for name in ("image", "hole"))
    image = image / 255
    return image, hole, image * (1 - hole)
