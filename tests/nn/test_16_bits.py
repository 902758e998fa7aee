"""Layers whose sums 16 bits cannot hold compute in 32 bits under autocast."""

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from bench_core.nn.contextual_attention import ContextualAttention
from bench_core.nn.conv import SpectralConv2d
from bench_core.nn.instance_norm import instance_norm
from bench_core.nn.pool import adaptive_avg_pool

DTYPES = [torch.bfloat16, torch.float16]
ROUNDING = {torch.bfloat16: 2**-8, torch.float16: 2**-11}
"""Relative error of a value that is rounded to the type."""


def features(rms: float) -> Tensor:
    """Return what a network's features look like: smooth, positive and sparse."""
    generator = torch.Generator().manual_seed(0)
    smooth = interpolate(torch.randn(1, 32, 8, 8, generator=generator), size=(32, 32), mode="bicubic")
    x = torch.relu(smooth) * torch.rand(1, 32, 32, 32, generator=generator)
    return x * rms / x.square().mean().sqrt()


def relative_error(found: Tensor, expected: Tensor) -> float:
    return ((found.float() - expected).norm() / expected.norm()).item()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("rms", [1.0, 3.0, 10.0])
def test_attention_loses_no_more_than_its_rounded_input(rms: float, dtype: torch.dtype):
    attention, x, hole = ContextualAttention(), features(rms), torch.zeros(1, 1, 128, 128)
    hole[..., 32:96, 32:96] = 1
    with torch.no_grad(), torch.autocast("cpu", dtype):
        found = attention(x.to(dtype), hole.to(dtype))
        exact = attention(x.to(dtype).float(), hole)
    assert found.dtype == dtype and found.isfinite().all()
    assert relative_error(found, exact) <= ROUNDING[dtype]
    assert relative_error(found, attention(x, hole)) < 0.03 if dtype == torch.bfloat16 else 0.01


@pytest.mark.parametrize("dtype", DTYPES)
def test_spectral_norm_divides_by_the_value_of_32_bits(dtype: torch.dtype):
    torch.manual_seed(0)
    layer = SpectralConv2d(16, 32, 5).eval()
    expected = layer.sigma()
    with torch.autocast("cpu", dtype):
        assert layer.sigma().dtype == torch.float32
        torch.testing.assert_close(layer.sigma(), expected, rtol=0, atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("layer", [instance_norm, lambda x: adaptive_avg_pool(x, 5)])
def test_means_are_taken_in_32_bits(layer, dtype: torch.dtype):
    x = features(10.0).to(dtype)
    expected = layer(x.float())
    with torch.autocast("cpu", dtype):
        found = layer(x)
    assert relative_error(found, expected) <= ROUNDING[dtype]
