"""Matrix products of all rows with all rows."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d


def inner_products(rows: Float[Tensor, "b m k"], others: Float[Tensor, "b n k"]) -> Float[Tensor, "b m n"]:
    """rows @ others.mT.

    If rows are pixels of k channels and the others are kernels of one pixel, this is a convolution. CPUs are given
    faster programs for convolutions than for products of large matrices; GPUs are not.
    """
    if rows.device.type != "cpu":
        return rows @ others.mT
    products = [_convolved(*pair) for pair in zip(rows.split(1), others, strict=True)]
    return products[0] if len(products) == 1 else torch.cat(products)


def _convolved(rows: Float[Tensor, "1 m k"], others: Float[Tensor, "n k"]) -> Float[Tensor, "1 m n"]:
    """One image of m pixels side by side, and a pixel's channels next to each other in memory, before and after."""
    return conv2d(rows.contiguous().mT.unsqueeze(2), others[:, :, None, None]).squeeze(2).mT
