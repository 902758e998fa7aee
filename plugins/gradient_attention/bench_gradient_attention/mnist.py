"""The first model: a fully connected autoencoder for digits, on pixels in [0, 1]."""

from itertools import pairwise

import torch
from torch import nn

from bench_core.methods import Method
from bench_core.methods.method import HoleTensor, ImageTensor
from bench_core.nn.init import init_glorot

SIZE = 28
WIDTHS = {"paper": (256, 128, 64, 32), "nano": (32, 32, 16, 8)}
"""Units of the layers down to the narrowest. The layers behind it mirror them."""


class Autoencoder(nn.Module):
    """Fully connected layers with ReLU, and a last one with a sigmoid. The input is the pixels, without the hole."""

    def __init__(self, widths: tuple[int, ...], channels: int = 1) -> None:
        super().__init__()
        pixels = channels * SIZE * SIZE
        units = (pixels, *widths, *widths[-2::-1], pixels)
        self.layers = nn.ModuleList(nn.Linear(before, after) for before, after in pairwise(units))
        self.apply(init_glorot)

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        *layers, last = self.layers
        x = (masked * (1 - hole)).flatten(1)
        for layer in layers:
            x = torch.relu(layer(x))
        return torch.sigmoid(last(x)).view_as(masked)


class MNIST(Method):
    generator: Autoencoder

    def __init__(self, widths: tuple[int, ...], channels: int = 1) -> None:
        super().__init__()
        self.generator = Autoencoder(widths, channels)


def build(scale: str, channels: int) -> MNIST:
    return MNIST(WIDTHS[scale], channels)
