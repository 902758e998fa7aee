"""Whether two computations gave the same."""

from math import inf
from typing import Any

import numpy as np
import torch


def difference(one: Any, other: Any) -> float | None:
    """The largest absolute difference of two outputs: tensors, arrays or numbers.

    Infinite where shapes differ or one is no number where the other is; None where there is no output to compare.
    """
    if one is None or other is None:
        return None
    first, second = _array(one), _array(other)
    if first.shape != second.shape:
        return inf
    equal = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):  # infinity from itself, which is equal
        apart = np.where(equal, 0, np.abs(first - second))
    return float(np.nan_to_num(apart, nan=inf, posinf=inf).max(initial=0))


def magnitude(output: Any) -> float:
    """The largest absolute value of an output, or 1 where it is smaller: what differences are relative to."""
    return float(np.abs(_array(output)).max(initial=1))


def plain(output: Any) -> Any:
    """A tensor as an array, which can be sent to another process; anything else as it is."""
    return output.detach().cpu().double().numpy() if isinstance(output, torch.Tensor) else output


def _array(output: Any) -> np.ndarray:
    return np.asarray(plain(output), dtype=np.float64)
