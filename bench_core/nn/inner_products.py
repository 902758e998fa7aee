"""Inner products of all rows of one matrix with all rows of another."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d


def inner_products(rows: Float[Tensor, "b m k"], others: Float[Tensor, "b n k"]) -> Float[Tensor, "b m n"]:
    """Compute ``rows @ others.mT``.

    With rows as pixels of k channels and the others as 1x1 kernels this is a convolution. CPUs run convolutions faster
    than products of large matrices; GPUs do not.
    """
    if rows.device.type != "cpu":
        return rows @ others.mT
    products = [_convolve(*pair) for pair in zip(rows.split(1), others, strict=True)]
    return products[0] if len(products) == 1 else torch.cat(products)


def _convolve(rows: Float[Tensor, "1 m k"], others: Float[Tensor, "n k"]) -> Float[Tensor, "1 m n"]:
    """Convolve an image of m pixels in one row, whose memory layout is channels last before and after."""
    return conv2d(rows.contiguous().mT.unsqueeze(2), others[:, :, None, None]).squeeze(2).mT
