"""Layouts of published weights for networks of seven layers.

Our tensors have names like ``encoder.0.conv.weight`` and ``decoder.3.norm.bias``. The layouts count layers from 1.
"""

import torch
from torch import Tensor

from bench_core.methods.convert_weights import TensorMapping


def naoto0804(name: str) -> TensorMapping:
    """Map to ``enc_1.conv.input_conv.weight`` or ``dec_4.bn.bias``. The layers follow the paper's first version."""
    half, level, part, kind = name.split(".")
    layer = f"{half[:3]}_{int(level) + 1}"
    if part == "norm":
        return TensorMapping((f"{layer}.bn.{kind}",))
    origin = f"{layer}.conv.input_conv.{kind}"
    return TensorMapping((origin,), divided_by_window) if kind == "weight" else TensorMapping((origin,))


def mmagic(name: str) -> TensorMapping:
    """Map to ``generator.encoder.enc1.conv.weight`` or ``generator.decoder.dec4.bn.bias``, for blue, green, red."""
    half, level, part, kind = name.split(".")
    layer = f"generator.{half}.{half[:3]}{int(level) + 1}"
    if part == "norm":
        return TensorMapping((f"{layer}.bn.{kind}",))
    conversions = {
        "encoder.0.conv.weight": rgb_input,
        "decoder.0.conv.weight": rgb_input_and_output,
        "decoder.0.conv.bias": rgb_output,
    }
    origin = f"{layer}.conv.{kind}"
    return TensorMapping((origin,), conversions[name]) if name in conversions else TensorMapping((origin,))


def divided_by_window(weight: Tensor) -> Tensor:
    """Convert a weight for the ratio 1 / sum(M) to the ratio sum(1) / sum(M)."""
    return weight / weight[0].numel()


def rgb_input(weight: Tensor) -> Tensor:
    """Convert the first layer's weight, whose input is an image."""
    return weight.flip(1)


def rgb_output(bias: Tensor) -> Tensor:
    """Convert the last layer's bias, whose output is an image."""
    return bias.flip(0)


def rgb_input_and_output(weight: Tensor) -> Tensor:
    """Convert the last layer's weight, whose output is an image and whose input ends with one."""
    flipped, channels = weight.flip(0), weight.shape[0]
    return torch.cat([flipped[:, :-channels], flipped[:, -channels:].flip(1)], dim=1)
