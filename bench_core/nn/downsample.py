"""A 3x3 convolution followed by averages of 2x2 pixels, computed without the map of full size."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d

from bench_core.nn.constants import constant
from bench_core.nn.types import Features

MEANS = ((0.5, 0.0, 0.0), (0.5, 0.5, 0.0), (0.0, 0.5, 0.5), (0.0, 0.0, 0.5))
"""Means of neighbouring weights along one axis, where 0 stands outside the kernel."""


def averaged_conv2d(
    x: Features, weight: Float[Tensor, "c2 c 3 3"], bias: Float[Tensor, " c2"] | None = None
) -> Float[Tensor, "b c2 h2 w2"]:
    """Pad one zero, convolve with a 3x3 kernel, and average 2x2 pixels. Height and width must be even."""
    return conv2d(x, averaged(weight), bias, stride=2, padding=1)


def averaged(weight: Float[Tensor, "c2 c 3 3"]) -> Float[Tensor, "c2 c 4 4"]:
    """Turn a 3x3 kernel into the kernel of stride 2 that convolves and averages at once.

    Four neighbouring outputs see 4x4 pixels. The mean of the four shifted kernels costs 16 products per pixel of the
    small map instead of 4 x 9. The result is linear in the weight.
    """
    along = constant(MEANS, weight.dtype, weight.device)
    # one small product of matrices; pooling kernels of 3x3 is slow
    return (weight.flatten(2) @ torch.kron(along, along).T).unflatten(2, (4, 4))
