"""Layouts of published weights. Our generator's layers have the numbers of the TensorFlow version."""

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.methods.convert_weights import TensorMapping

TF_SUFFIXES = {"conv2": "_downsample", "conv4": "_downsample"} | {f"conv{i}": "_atrous" for i in (7, 8, 9, 10)}


def pytorch(name: str) -> TensorMapping:
    """Map to the PyTorch version: columns EB1 to EB3, whose layers count from 0 and include resizes."""
    part, layer, kind = _parts(name)
    number = int(layer.removeprefix("conv"))
    if part == "decoder":
        return TensorMapping((f"decoding_layers.{number - 17}.{kind}",))
    # one resize before conv13, another before conv15
    index = number - 1 + (number >= 13) + (number >= 15)
    return TensorMapping((f"EB{part}.{index}.{kind}",))


def tf(name: str) -> TensorMapping:
    """Map to the TensorFlow version: kernels (height, width, in, out), colours blue, green, red."""
    part, layer, kind = _parts(name)
    prefix = "merge" if part == "decoder" else f"b{part}"
    place = f"{prefix}{layer}{TF_SUFFIXES.get(layer, '')}"
    if layer in ("conv13", "conv15"):
        place = f"{place}_upsample/{place}_upsample_conv"
    if kind == "bias":
        return TensorMapping((f"inpaint_net/{place}/bias",), lambda bias: red_first(layer, bias))
    return TensorMapping((f"inpaint_net/{place}/kernel",), lambda kernel: red_first(layer, kernel.permute(3, 2, 0, 1)))


def red_first(layer: str, tensor: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Convert a tensor for blue, green, red to red, green, blue."""
    if layer == "conv18":
        return tensor.flip(0)
    if layer == "conv1" and tensor.dim() == 4:
        return torch.cat([tensor[:, :3].flip(1), tensor[:, 3:]], dim=1)
    return tensor


def _parts(name: str) -> tuple[str, str, str]:
    """Split a tensor's name into the column's number or "decoder", the layer, and "weight" or "bias"."""
    *part, layer, kind = name.split(".")
    return part[0] if part[0] == "decoder" else str(int(part[1]) + 1), layer, kind
