"""Where the tensors of others' networks of seven layers are found, for `bench weights import`.

Ours are named ``encoder.0.conv.weight`` or ``decoder.3.norm.bias``, theirs count layers from 1.
"""

import torch
from torch import Tensor

from bench_core.methods.convert_weights import TensorMapping


def naoto0804(name: str) -> TensorMapping:
    """``enc_1.conv.input_conv.weight`` or ``dec_4.bn.bias``, of layers that follow the paper's first version."""
    half, level, part, kind = name.split(".")
    layer = f"{half[:3]}_{int(level) + 1}"
    if part == "norm":
        return TensorMapping((f"{layer}.bn.{kind}",))
    origin = f"{layer}.conv.input_conv.{kind}"
    return TensorMapping((origin,), divided_by_window) if kind == "weight" else TensorMapping((origin,))


def mmagic(name: str) -> TensorMapping:
    """``generator.encoder.enc1.conv.weight`` or ``generator.decoder.dec4.bn.bias``, of a network that sees BGR."""
    half, level, part, kind = name.split(".")
    layer = f"generator.{half}.{half[:3]}{int(level) + 1}"
    if part == "norm":
        return TensorMapping((f"{layer}.bn.{kind}",))
    in_colour = {
        "encoder.0.conv.weight": sees_rgb,
        "decoder.0.conv.weight": joins_rgb,
        "decoder.0.conv.bias": paints_rgb,
    }
    origin = f"{layer}.conv.{kind}"
    return TensorMapping((origin,), in_colour[name]) if name in in_colour else TensorMapping((origin,))


def divided_by_window(weight: Tensor) -> Tensor:
    """For a ratio of sum(1) / sum(M), where it was 1 / sum(M)."""
    return weight / weight[0].numel()


def sees_rgb(weight: Tensor) -> Tensor:
    """The first layer's weight, whose input is an image."""
    return weight.flip(1)


def paints_rgb(bias: Tensor) -> Tensor:
    """The last layer's bias, whose output is an image."""
    return bias.flip(0)


def joins_rgb(weight: Tensor) -> Tensor:
    """The last layer's weight, whose output is an image and the end of whose input is one too."""
    flipped, channels = weight.flip(0), weight.shape[0]
    return torch.cat([flipped[:, :-channels], flipped[:, -channels:].flip(1)], dim=1)
