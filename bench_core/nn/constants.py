"""Constant tensors, made once for each device: copying one to a GPU at every step would make the program wait."""

from functools import cache
from typing import Any

import torch
from torch import Tensor


def constant(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a tensor of these values on a device. All callers share it, so do not write to it."""
    if torch.compiler.is_compiling():  # a compiled graph keeps its own constants
        return torch.tensor(values, dtype=dtype, device=device)
    return _cached(values, dtype, device)


@cache
def _cached(values: tuple[Any, ...], dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # a tensor made in inference mode could not be used in training later
        return torch.tensor(values, dtype=dtype, device=device)
