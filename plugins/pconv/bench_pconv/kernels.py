"""Convolution kernels with batch norm folded in, cached between images in evaluation."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from bench_pconv.layers import Bias, Convolved, PartialConv2d, Updated, Weight

Norm = nn.BatchNorm2d | None
Split = Callable[[Weight], tuple[Weight, ...]]
FoldedKernels = tuple[tuple[Weight, ...], Bias]


class KernelCache(nn.Module):
    """The folded kernels and bias of a convolution and its batch norm, cached between images.

    They are recomputed when a parameter or a statistic changes. Torch counts the writes to a tensor, so
    ``load_state_dict`` and optimiser steps are noticed; writes to ``tensor.data`` are not. In training, and wherever
    gradients are recorded, nothing is cached.

    In evaluation kernels lie in memory with channels last, which CPUs convolve faster, and the features follow them. In
    training this would gain little and lose digits: torch's batch norm then adds up the pixels of a channel one by one
    in float32.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cached: tuple[list[Tensor], list[Any], FoldedKernels] | None = None

    def forward(self, conv: PartialConv2d, norm: Norm, split: Split = lambda weight: (weight,)) -> FoldedKernels:
        """Return ``split(folded weight)`` and the folded bias. `split` must depend on the weight only."""
        if torch.compiler.is_compiling():  # a compiled graph has no place for the cache
            return self._compute(conv, norm, split)
        tensors = [*conv.parameters(), *((*norm.parameters(), *norm.buffers()) if norm else ())]
        # inference tensors do not count writes
        if self.training or torch.is_grad_enabled() or any(one.is_inference() for one in tensors):
            self._cached = None
            return self._compute(conv, norm, split)
        state = [split, is_folded(norm), *((one.data_ptr(), one._version) for one in tensors)]
        if self._cached is None or self._cached[1] != state:
            # holding the tensors' memory prevents other tensors at the same address
            self._cached = [one.detach() for one in tensors], state, self._compute(conv, norm, split)
        return self._cached[-1]

    def _compute(self, conv: PartialConv2d, norm: Norm, split: Split) -> FoldedKernels:
        weight, bias = fold(conv, norm)
        layout = torch.contiguous_format if self.training else torch.channels_last
        kernels = tuple(kernel.contiguous(memory_format=layout) for kernel in split(weight))
        if torch.is_grad_enabled():
            return kernels, bias
        return tuple(kernel.detach() for kernel in kernels), None if bias is None else bias.detach()

    def __getstate__(self) -> dict[str, Any]:
        """Leave the cache out of copies and pickles, whose tensors count writes from 0 again."""
        return {**self.__dict__, "_cached": None}


def is_folded(norm: Norm) -> bool:
    """Return True for a batch norm that uses its stored statistics."""
    return norm is not None and not norm.training


def fold(conv: PartialConv2d, norm: Norm) -> tuple[Weight, Bias]:
    """Fold a frozen norm into the weight and bias of the partial convolution before it.

    With s = gain / sqrt(variance + eps), and r the ratio of a pixel, ``s (r W*x + b - mean) + shift`` equals
    ``r (s W)*x + s (b - mean) + shift``. Gain and shift can be trained this way, as in fine-tuning. A norm that takes
    statistics is not folded; `normed` applies it to the features.
    """
    if norm is None or not is_folded(norm):
        return conv.weight, conv.bias
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
    centre = norm.running_mean if conv.bias is None else norm.running_mean - conv.bias
    return conv.weight * scale.view(-1, 1, 1, 1), norm.bias - scale * centre


def normed(y: Convolved, updated: Updated, norm: Norm) -> Convolved:
    """Apply batch norm unless it is folded, and set missing features to 0."""
    return y if norm is None or is_folded(norm) else norm(y).mul_(updated)
