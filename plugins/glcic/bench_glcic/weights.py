"""Layouts of published weights. Layers count from 1 as in Table 1."""

import torch

from bench_core.methods.convert_weights import TensorMapping

OUTPUT = 17
MID_GREY = 0.5


def otenim(name: str) -> TensorMapping:
    """Map to GLCIC-PyTorch's names: conv1, bn1, ..., deconv13, ..., conv17."""
    if name == "mean":
        return TensorMapping(("mpv",), torch.flatten)
    number, part, kind = _split(name)
    module = "bn" if part == "norm" else "deconv" if number in (13, 15) else "conv"
    return TensorMapping((f"{module}{number}.{kind}",))


def mmagic(name: str) -> TensorMapping:
    """Map to MMagic's names.

    Its colours are blue, green, red. Convolutions before batch norm have no bias. Holes are 0 in [-1, 1].
    """
    if name == "mean":
        return TensorMapping((_mmagic_name(OUTPUT, "conv", "bias"),), lambda bias: torch.full_like(bias, MID_GREY))
    number, part, kind = _split(name)
    if number == OUTPUT:
        return TensorMapping((_mmagic_name(number, part, kind),), lambda tensor: tensor.flip(0))
    if (part, kind) == ("conv", "bias"):
        return TensorMapping((_mmagic_name(number, "norm", "running_mean"),), torch.zeros_like)
    if (number, part) == (1, "conv"):
        return TensorMapping((_mmagic_name(number, part, kind),), lambda weight: weight[:, [2, 1, 0, 3]])
    return TensorMapping((_mmagic_name(number, part, kind),))


def _mmagic_name(number: int, part: str, kind: str) -> str:
    if number <= 6:
        place = f"encoder.enc{number}"
    elif number <= 10:
        place = f"dilation_neck.dilation_convs.{number - 7}"
    else:
        place = f"decoder.dec{number - 10}"
    return f"generator.{place}.{'bn' if part == 'norm' else part}.{kind}"


def _split(name: str) -> tuple[int, str, str]:
    """Split ``layers.0.norm.weight`` into (1, norm, weight); the output ``layers.16.weight`` is (17, conv, weight)."""
    _, index, *part, kind = name.split(".")
    return int(index) + 1, "".join(part) or "conv", kind
