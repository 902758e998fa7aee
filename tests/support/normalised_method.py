"""A network with batch norm, or without, as a plugin of one module has it."""

from typing import Any

from torch import nn


def build(scale: str, channels: int, **options: Any) -> nn.Module:
    return nn.Sequential(nn.Conv2d(channels, 1, 1), nn.BatchNorm2d(1) if options.get("norm", True) else nn.Identity())
