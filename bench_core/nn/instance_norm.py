"""Instance norm (Ulyanov et al., 2016, arXiv 1607.08022) without parameters or running statistics."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_core.nn.types import Features

EPS = 1e-5


def instance_norm(x: Features) -> Features:
    """Normalise each channel of each image: (x - mean) / sqrt(variance + 1e-5).

    On CPUs PyTorch's own is slow with channels last, the layout in which convolutions are fast. Its batch norm of one
    image is fast, but adds up all pixels in a single 32-bit sum and loses digits.
    """
    if x.device.type != "cpu":
        return torch.nn.functional.instance_norm(x, eps=EPS)  # a single kernel of GPUs, which sums in 32 bits
    return _InstanceNorm.apply(x)


class InstanceNorm(nn.Module):
    """`instance_norm` as a layer."""

    def forward(self, x: Features) -> Features:
        return instance_norm(x)


class _InstanceNorm(torch.autograd.Function):
    """For the gradient g of the output z, the gradient of x is (g - mean(g) - z mean(g z)) / deviation."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        wide = x.to(torch.promote_types(x.dtype, torch.float32))  # 16 bits are too few for sums
        z = wide - _mean(wide)
        scale = _mean(z.square()).add_(EPS).rsqrt_()
        z = z.mul_(scale).to(x.dtype)
        ctx.save_for_backward(z, scale)
        return z

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        z, scale = ctx.saved_tensors
        g = gradient.to(scale.dtype)
        along = _mean(g * z)
        return torch.addcmul(-scale * _mean(g), g, scale).addcmul_(z, -scale * along).to(gradient.dtype)


def _mean(x: Features) -> Float[Tensor, "b c 1 1"]:
    return x.mean((2, 3), keepdim=True)
