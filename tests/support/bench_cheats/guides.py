"""A network with a guide, and guides that leak the ground truth."""

import torch
from torch import nn

from bench_core.methods import Method, MethodOutput


class Guided(Method):
    """Uses three channels of the guidance."""

    def __init__(self, scale, channels):
        super().__init__()
        self.generator = nn.Conv2d(channels + 4, channels, 5, padding=2)

    def forward(self, masked, hole, *guidance):
        lines = nn.functional.pad(guidance[0], (0, 0, 0, 0, 0, 3))[:, :3]
        return MethodOutput(self.generator(torch.cat([masked, hole, lines], 1)).sigmoid())

    def predict(self, masked, hole, *guidance):
        return self(masked, hole, *guidance).prediction


class Truth:
    name = "the image itself"

    def __init__(self, device):
        pass

    def __call__(self, image):
        return image


class Bits(Truth):
    """Draws 0 and 1 only: every bit of every value."""

    def __call__(self, image):
        values = (image * 255).round().int()
        return torch.cat([(values >> bit) & 1 for bit in range(8)], 1).float()


class Lines(Truth):
    name = "lines where it becomes bright"

    def __call__(self, image):
        bright = (image.mean(1, keepdim=True) > 0.5).float()
        return (bright - bright.roll(1, -1)).abs()
