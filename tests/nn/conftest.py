"""Comparisons of two computations of the same values."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import grad


def _assert_same(found: Tensor, expected: Tensor, *sources: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    noise = torch.randn_like(expected)
    for ours, theirs in zip(grad(found, sources, noise), grad(expected, sources, noise), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


@pytest.fixture(scope="session")
def assert_same() -> Callable[..., None]:
    """Assert that outputs agree within 1e-10, and gradients of (output x noise) by the sources within 1e-8."""
    return _assert_same


@pytest.fixture(scope="session")
def relative_error() -> Callable[[Tensor, Tensor], float]:
    """Return the largest difference divided by the largest value."""
    return lambda found, expected: ((found - expected).abs().max() / expected.abs().max().clamp(min=1e-3)).item()
