"""One convolution of stride 2 equals a 3x3 convolution followed by averages of 2x2 pixels."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad
from torch.nn.functional import avg_pool2d, conv2d

from bench_core.nn.downsample import averaged, averaged_conv2d


@given(
    size=st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 6), st.integers(1, 6)),
    biased=st.booleans(),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_the_result_is_convolution_and_then_averages(size: tuple[int, int, int, int], biased: bool, seed: int) -> None:
    torch.manual_seed(seed)
    batch, channels, height, width = size
    x = torch.randn(batch, channels, 2 * height, 2 * width, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, channels, 3, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, requires_grad=True) if biased else None
    found, expected = averaged_conv2d(x, weight, bias), avg_pool2d(conv2d(x, weight, bias, padding=1), 2)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    noise, sources = torch.randn_like(expected), [x, weight] if bias is None else [x, weight, bias]
    for ours, theirs in zip(grad(found, sources, noise), grad(expected, sources, noise), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_kernel_is_a_quarter_of_sums_over_windows() -> None:
    weight = torch.arange(1.0, 10.0).view(1, 1, 3, 3)
    rows = [[1, 3, 5, 3], [5, 12, 16, 9], [11, 24, 28, 15], [7, 15, 17, 9]]
    torch.testing.assert_close(averaged(weight), torch.tensor(rows).view(1, 1, 4, 4) / 4)
