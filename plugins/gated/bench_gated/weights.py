"""Layouts of published weights. Our generator's layers have the names of the official code."""

import re

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.methods.convert_weights import TensorMapping

COLOUR_INPUTS = ("conv1", "xconv1", "pmconv1")
COLOUR_OUTPUTS = ("conv17", "allconv17")

BLOCKS = (
    *(
        "conv1",
        "down_block1.conv1_downsample",
        "down_block1.conv2",
        "down_block2.conv1_downsample",
        "down_block2.conv2",
    ),
    *("conv_bn1", "conv_bn2", "conv_bn3", "conv_bn4", "conv_bn5", "conv_bn6", "conv_bn7"),
    *("up_block1.conv1_upsample.conv", "up_block1.conv2", "up_block2.conv1_upsample.conv", "up_block2.conv2"),
    "conv_to_rgb",
)
"""Layers 1 to 17 in the fine-tuned networks of nipponjo/deepfillv2-pytorch."""
BRANCHES = {"conv": "stage1.", "xconv": "stage2.conv_", "pmconv": "stage2.ca_", "allconv": "stage2."}
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


def nipponjo_tf(name: str) -> TensorMapping:
    """Map to the official weights as nipponjo/deepfillv2-pytorch converted them, used as red, green, blue."""
    layer, kind = _parts(name)
    return TensorMapping((f"{layer}.conv.conv.{kind}" if layer.endswith("_upsample") else f"{layer}.conv.{kind}",))


def nipponjo_tf_bgr(name: str) -> TensorMapping:
    """Map to the same files, in case their conversion kept blue, green, red."""
    return TensorMapping(nipponjo_tf(name).names, lambda tensor: red_first(name, tensor))


def nipponjo_pt(name: str) -> TensorMapping:
    """Map to the networks that nipponjo fine-tuned for PyTorch's padding and shrinking."""
    layer, kind = _parts(name)
    branch, number = _numbered(layer)
    return TensorMapping((f"{BRANCHES[branch]}{BLOCKS[number - 1]}.conv.{kind}",))


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
    return TensorMapping((f"generator.{place}.conv.conv.{kind}",), lambda tensor: red_first(name, tensor))


def red_first(name: str, tensor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Convert a tensor for blue, green, red to red, green, blue."""
    layer, kind = _parts(name)
    if layer in COLOUR_OUTPUTS:  # colours, and their gates in wirings that have them
        return tensor.unflatten(0, (-1, 3)).flip(1).flatten(0, 1)
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
