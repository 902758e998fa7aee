"""Layouts of published weights. Our generator's layers have the names of the official code."""

import re

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.methods.convert_weights import TensorMapping

COLOUR_INPUTS = ("conv1", "xconv1", "pmconv1")
COLOUR_OUTPUTS = ("conv17", "allconv17")

ENCODERS = {"conv": "stage1.encoder", "xconv": "stage2.encoder_conv", "pmconv": "stage2.encoder_attention"}
NECKS = {"conv": "stage1.dilation_neck", "xconv": "stage2.dilation_neck"}
DECODERS = {"conv": "stage1.decoder", "allconv": "stage2.decoder"}


def official(name: str) -> TensorMapping:
    """Map to the official TensorFlow checkpoint: kernels (height, width, in, out), colours blue, green, red."""
    layer, kind = _parts(name)
    scope = f"{layer}/{layer}_conv" if layer.endswith("_upsample") else layer
    if kind == "bias":
        return TensorMapping((f"inpaint_net/{scope}/bias",), lambda bias: red_first(name, bias))
    return TensorMapping((f"inpaint_net/{scope}/kernel",), lambda kernel: red_first(name, kernel.permute(3, 2, 0, 1)))


def daa233(name: str) -> TensorMapping:
    """Map to a generator that daa233/generative-inpainting-pytorch trained, for red, green, blue."""
    layer, kind = _parts(name)
    branch, _ = _numbered(layer)
    stage = "coarse_generator" if branch == "conv" else "fine_generator"
    layer = layer.removesuffix("_upsample").removeprefix("x")
    return TensorMapping((f"{stage}.{layer}.conv.{kind}",))


def daa233_tf(name: str) -> TensorMapping:
    """Map to the official weights as daa233 converted them, used as red, green, blue."""
    (theirs,) = daa233(name).names
    return TensorMapping((f"netG.{theirs}",))


def daa233_tf_bgr(name: str) -> TensorMapping:
    """Map to the same file, in case its conversion kept blue, green, red."""
    return TensorMapping(daa233_tf(name).names, lambda tensor: red_first(name, tensor))


def mmagic(name: str) -> TensorMapping:
    """Map to mmagic's networks, which work in blue, green, red."""
    layer, kind = _parts(name)
    branch, number = _numbered(layer)
    if branch == "pmconv" and number > 6:
        place = f"stage2.contextual_attention_neck.conv{number - 8}"
    elif number <= 6:
        place = f"{ENCODERS[branch]}.enc{number}"
    elif number <= 10:
        place = f"{NECKS[branch]}.dilation_convs.{number - 7}"
    else:
        place = f"{DECODERS[branch]}.dec{number - 10}"
    return TensorMapping((f"generator.{place}.conv.{kind}",), lambda tensor: red_first(name, tensor))


def red_first(name: str, tensor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Convert a tensor for blue, green, red to red, green, blue."""
    layer, kind = _parts(name)
    if layer in COLOUR_OUTPUTS:
        return tensor.flip(0)
    if layer in COLOUR_INPUTS and kind == "weight":
        return torch.cat([tensor[:, :3].flip(1), tensor[:, 3:]], dim=1)
    return tensor


def _parts(name: str) -> tuple[str, str]:
    """Split a tensor's name into its layer and "weight" or "bias"."""
    *_, layer, kind = name.split(".")
    return layer, kind


def _numbered(layer: str) -> tuple[str, int]:
    """Split a layer's name into branch and number: xconv7_atrous gives (xconv, 7)."""
    match = re.match(r"(\D+)(\d+)", layer)
    assert match, layer
    return match[1], int(match[2])
