"""What features are convolved with, at rest: batch norm is part of it, and it is made once."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bench_pconv.layers import Bias, Convolved, PartialConv2d, Updated, Weight

Norm = nn.BatchNorm2d | None
Split = Callable[[Weight], tuple[Weight, ...]]
Made = tuple[tuple[Weight, ...], Bias]


class Kernels(nn.Module):
    """The kernels and the bias of a convolution and the norm behind it, kept from one picture to the next.

    They are made anew when a parameter or a statistic has changed. Torch counts the writes to a tensor, so
    ``load_state_dict`` and an optimiser's step are noticed; only writes to ``tensor.data`` are not. In training, and
    wherever gradients are recorded, nothing is kept.

    In evaluation kernels lie in memory with channels last, which CPUs convolve faster, and the features follow them. In
    training that would gain little and cost exactness: torch's batch norm then adds the pixels of a channel one by one
    in float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: tuple[list[Tensor], list[Any], Made] | None = None

    def forward(self, conv: PartialConv2d, norm: Norm, split: Split = lambda weight: (weight,)) -> Made:
        """What `split`, a function of nothing but the weight, makes of the folded weight, and the folded bias."""
        tensors = [*conv.parameters(), *(norm.state_dict(keep_vars=True).values() if norm else ())]
        if self.training or torch.is_grad_enabled() or any(one.is_inference() for one in tensors):  # no writes counted
            self._kept = None
            return self._made(conv, norm, split)
        state = [split, is_folded(norm), *((one.data_ptr(), one._version) for one in tensors)]
        if self._kept is None or self._kept[1] != state:
            # the tensors' memory is held, lest others be found at the same address
            self._kept = [one.detach() for one in tensors], state, self._made(conv, norm, split)
        return self._kept[-1]

    def _made(self, conv: PartialConv2d, norm: Norm, split: Split) -> Made:
        weight, bias = folded(conv, norm)
        layout = torch.contiguous_format if self.training else torch.channels_last
        kernels = tuple(kernel.contiguous(memory_format=layout) for kernel in split(weight))
        if torch.is_grad_enabled():
            return kernels, bias
        return tuple(kernel.detach() for kernel in kernels), None if bias is None else bias.detach()

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles keep nothing, for their tensors count anew."""
        return {**self.__dict__, "_kept": None}


def is_folded(norm: Norm) -> bool:
    """Whether there is a batch norm, and it uses the statistics that it has."""
    return norm is not None and not norm.training


def folded(conv: PartialConv2d, norm: Norm) -> tuple[Weight, Bias]:
    """The weight and bias of a partial convolution that does what it and the frozen norm behind it do.

    With s = gain / sqrt(variance + eps), and r the ratio of a pixel, ``s (r W*x + b - mean) + shift`` is
    ``r (s W)*x + s (b - mean) + shift``. Gain and shift can be trained this way, as when fine-tuning.
    A norm that takes statistics has to see the features itself, see `normed`.
    """
    if norm is None or not is_folded(norm):
        return conv.weight, conv.bias
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    centre = norm.running_mean if conv.bias is None else norm.running_mean - conv.bias
    return conv.weight * scale.view(-1, 1, 1, 1), norm.bias - scale * centre


def normed(y: Convolved, updated: Updated, norm: Norm) -> Convolved:
    """Batch norm, unless it is folded already, and 0 where missing."""
    return y if norm is None or is_folded(norm) else norm(y).mul_(updated)
