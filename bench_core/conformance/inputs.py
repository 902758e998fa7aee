"""Inputs for the rules: images of several kinds, and holes of many shapes."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from bench_core import protocol, seeds
from bench_core.images import as_channels, resized
from bench_core.masks.mask_set import open_sets
from bench_core.methods.method import Guidance, HoleTensor, ImageTensor
from bench_core.plugins import Plugins
from bench_core.specs import resolve

DEFAULTS = protocol.load("quick")
"""Protocol whose image set and mask sets need no downloads."""


class CheckInput(NamedTuple):
    """Ground truth, a hole that the method supports, and guidance."""

    image: ImageTensor
    hole: HoleTensor
    guidance: tuple[Guidance, ...]

    @property
    def method_inputs(self) -> tuple[Tensor, ...]:
        """Fresh copies of the tensors that `Method.predict` takes: masked image, hole and guidance."""
        return self.image * (1 - self.hole), self.hole.clone(), *(lines.clone() for lines in self.guidance)


def photograph(plugins: Plugins, channels: int, height: int, width: int) -> ImageTensor:
    """Return a crop of the first test image of the default image set, (1, channels, height, width) in [0, 1]."""
    images = resolve(plugins.records("image_sets")[DEFAULTS.image_set].open)(None, "test")
    array = resized(as_channels(images[0], channels), max(height, width))[:height, :width]
    return torch.from_numpy(array.transpose(2, 0, 1).copy())[None].float() / 255


def noise(channels: int, height: int, width: int) -> ImageTensor:
    """Return uniform noise (1, channels, height, width) in [0, 1), the same on every call."""
    values = seeds.generator("noise").random((1, channels, height, width), dtype=np.float32)
    return torch.from_numpy(values)


def box(height: int, width: int) -> HoleTensor:
    """Return an off-centre hole, so that a flipped or transposed prediction shows."""
    return _hole(height, width, lambda hole: hole[height // 8 : height // 2, width // 4 : 5 * width // 8].fill_(1))


def center(height: int, width: int) -> HoleTensor:
    """Return a centred hole of half the height and half the width."""
    top, left = height // 4, width // 4
    return _hole(height, width, lambda hole: hole[top : height - top, left : width - left].fill_(1))


def holes(plugins: Plugins, side: int) -> dict[str, HoleTensor]:
    """Return square holes by name: the default mask sets, and edge cases from empty to almost full."""
    drawn = {
        name: torch.from_numpy(mask_set.draw(side, "check"))[None, None].float()
        for name, mask_set in open_sets(DEFAULTS.masks, plugins.records("masks")).items()
    }
    return drawn | {
        "box": box(side, side),
        "at the border": _hole(side, side, lambda hole: hole[: side // 3, : side // 2].fill_(1)),
        "one pixel": _hole(side, side, lambda hole: hole[side // 3, side // 2].fill_(1)),
        "all but one pixel": 1 - _hole(side, side, lambda hole: hole[side // 3, side // 2].fill_(1)),
        "empty": torch.zeros(1, 1, side, side),
    }


def _hole(height: int, width: int, cut: Callable[[Tensor], Tensor]) -> HoleTensor:
    hole = torch.zeros(1, 1, height, width)
    cut(hole[0, 0])
    return hole
