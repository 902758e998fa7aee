"""What methods are tried on: pictures of several kinds and holes of many shapes."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from bench_core import protocol, seeds
from bench_core.images import as_channels, resized
from bench_core.masks.mask_set import open_sets
from bench_core.methods.method import HoleTensor, ImageTensor
from bench_core.plugins import Plugins
from bench_core.specs import resolve

DEFAULTS = protocol.load("quick")
"""Its image set and mask sets are at hand everywhere."""


def photograph(plugins: Plugins, channels: int, height: int, width: int) -> ImageTensor:
    """A part of the first test image of the default image set, (1, channels, height, width) in [0, 1]."""
    images = resolve(plugins.records("image_sets")[DEFAULTS.image_set].open)(None, "test")
    array = resized(as_channels(images[0], channels), max(height, width))[:height, :width]
    return torch.from_numpy(array.transpose(2, 0, 1).copy())[None].float() / 255


def noise(channels: int, height: int, width: int) -> ImageTensor:
    """Independent uniform pixels, the same in every call."""
    drawn = seeds.generator("noise").random((1, channels, height, width), dtype=np.float32)
    return torch.from_numpy(drawn)


def box(height: int, width: int) -> HoleTensor:
    """A hole left of and above the middle, so that a turned picture shows."""
    return _hole(height, width, lambda hole: hole[height // 8 : height // 2, width // 4 : 5 * width // 8].fill_(1))


def center(height: int, width: int) -> HoleTensor:
    """The square, or on other canvases the rectangle, of half the height and width."""
    top, left = height // 4, width // 4
    return _hole(height, width, lambda hole: hole[top : height - top, left : width - left].fill_(1))


def shapes(plugins: Plugins, side: int) -> dict[str, HoleTensor]:
    """Holes of square canvases by name, from the default mask sets to the ends of what can be asked."""
    drawn = {
        name: torch.from_numpy(holes.draw(side, "check"))[None, None].float()
        for name, holes in open_sets(DEFAULTS.masks, plugins.records("masks")).items()
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
