"""Adaptive average pooling with a deterministic gradient on CUDA."""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool1d

from bench_core.nn.types import Features


def adaptive_avg_pool(x: Features, side: int) -> Float[Tensor, "b c s s"]:
    """Average to `side` x `side` values; a smaller map is repeated.

    The two matrix products compute what `torch.nn.functional.adaptive_avg_pool2d` does. Its own backward pass adds up
    in random order on CUDA.
    """
    if x.shape[-2:] == (side, side):
        return x
    wide = torch.promote_types(x.dtype, torch.float32)
    with torch.autocast(x.device.type, enabled=False):
        eyes = (torch.eye(size, dtype=wide, device=x.device) for size in x.shape[-2:])
        rows, columns = (adaptive_avg_pool1d(eye, side) for eye in eyes)
        return (rows.T @ x.to(wide) @ columns).to(x.dtype)
