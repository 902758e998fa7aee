"""Confidence of hidden pixels: high near known ones, falling towards the middle of the hole."""

from functools import cache
from itertools import pairwise
from statistics import NormalDist

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, pad

from bench_core.nn.constants import constant
from bench_core.nn.precision import without_autocast
from bench_core.nn.types import HoleTensor


@torch.no_grad()
def confidence(hole: HoleTensor, window: int, sigma: float, rounds: int, mirrored: bool) -> HoleTensor:
    """Return the confidence of hidden pixels in [0, 1], and 0 for known ones.

    Known pixels have confidence 1. In each round the confidences of all pixels are blurred, and hidden pixels get the
    result.

    Args:
        window: side in pixels of the blur's kernel.
        sigma: see `kernel`.
        rounds: number of blurs, 1 or more.
        mirrored: mirror pixels at the border of the image; otherwise pixels outside have confidence 0.
    """
    valid = 1 - hole
    with without_autocast(hole.device):
        rows, columns = (blur_matrix(size, window, sigma, mirrored, hole) for size in hole.shape[-2:])
        known, blurred = valid, valid
        for _ in range(rounds):
            blurred = rows @ known @ columns.T * hole
            known = blurred + valid
    return blurred


def blur_matrix(size: int, window: int, sigma: float, mirrored: bool, like: Tensor) -> Float[Tensor, "size size"]:
    """Return the matrix that blurs a line of `size` pixels.

    The kernel is a product of two kernels of one dimension. So an image is blurred by a product with a matrix from the
    left, and one from the right.
    """
    before = (window - 1) // 2
    lines = torch.eye(size, dtype=like.dtype, device=like.device)[None, None]
    padded = pad(lines, (0, 0, before, window - 1 - before), "reflect" if mirrored else "constant")
    return conv2d(padded, constant(kernel(window, sigma), like.dtype, like.device).view(1, 1, -1, 1))[0, 0]


@cache
def kernel(window: int, sigma: float) -> tuple[float, ...]:
    """Return the official kernel of one dimension, whose sum is 1.

    Its weights are square roots of the standard normal distribution's mass in `window` bins. The bins together are
    only about 2 sigma wide, and sigma is 1/40, so the kernel is nearly flat.
    """
    first, width = -sigma - (2 * sigma + 1) / window / 2, 2 * sigma + (2 * sigma + 1) / window
    edges = [NormalDist().cdf(first + width * i / window) for i in range(window + 1)]
    roots = [(after - before) ** 0.5 for before, after in pairwise(edges)]
    return tuple(root / sum(roots) for root in roots)
