"""Published weights, whose layers have other names and sometimes other habits. Layers count from 1 as in Table 1."""

import torch

from bench_core.methods.convert_weights import TensorMapping

OUTPUT = 17
MIDDLE_GREY = 0.5


def otenim(name: str) -> TensorMapping:
    """conv1, bn1, ..., deconv13, ..., conv17."""
    if name == "mean":
        return TensorMapping(("mpv",), torch.flatten)
    number, part, kind = _place(name)
    module = "bn" if part == "norm" else "deconv" if number in (13, 15) else "conv"
    return TensorMapping((f"{module}{number}.{kind}",))


def mmagic(name: str) -> TensorMapping:
    """Colours are blue, green, red; a convolution before batch norm has no bias; holes are 0 in [-1, 1]."""
    if name == "mean":
        return TensorMapping((_mmagic(OUTPUT, "conv", "bias"),), lambda bias: torch.full_like(bias, MIDDLE_GREY))
    number, part, kind = _place(name)
    if number == OUTPUT:
        return TensorMapping((_mmagic(number, part, kind),), lambda tensor: tensor.flip(0))
    if (part, kind) == ("conv", "bias"):
        return TensorMapping((_mmagic(number, "norm", "running_mean"),), torch.zeros_like)
    if (number, part) == (1, "conv"):
        return TensorMapping((_mmagic(number, part, kind),), lambda weight: weight[:, [2, 1, 0, 3]])
    return TensorMapping((_mmagic(number, part, kind),))


def _mmagic(number: int, part: str, kind: str) -> str:
    if number <= 6:
        place = f"encoder.enc{number}"
    elif number <= 10:
        place = f"dilation_neck.dilation_convs.{number - 7}"
    else:
        place = f"decoder.dec{number - 10}"
    return f"generator.{place}.{'bn' if part == 'norm' else part}.{kind}"


def _place(name: str) -> tuple[int, str, str]:
    """Of ``layers.0.norm.weight``: 1, norm, weight; the output, ``layers.16.weight``, is all conv."""
    _, index, *part, kind = name.split(".")
    return int(index) + 1, "".join(part) or "conv", kind
