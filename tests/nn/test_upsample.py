"""One transposed convolution equals nearest upsampling followed by a 3x3 convolution."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.autograd import grad
from torch.nn.functional import conv2d, interpolate, pad

from bench_core.nn.upsample import spread, upsampled_conv2d

SIZES = st.fixed_dictionaries({"b": st.integers(1, 3), "h": st.integers(1, 9), "w": st.integers(1, 9)})


@given(size=SIZES, channels=st.integers(1, 4), reflect=st.booleans(), biased=st.booleans(), seed=st.integers(0, 99))
@settings(deadline=None)
def test_the_result_is_upsampling_and_then_convolution(
    size: dict[str, int], channels: int, reflect: bool, biased: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    x = torch.randn(size["b"], channels, size["h"], size["w"], dtype=torch.float64, requires_grad=True)
    weight = torch.randn(3, channels, 3, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(3, dtype=torch.float64, requires_grad=True) if biased else None
    around = pad(interpolate(x, scale_factor=2), (1, 1, 1, 1), "reflect" if reflect else "constant")
    found, expected = upsampled_conv2d(x, spread(weight), bias, reflect), conv2d(around, weight, bias)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    noise, sources = torch.randn_like(expected), [x, weight] if bias is None else [x, weight, bias]
    for ours, theirs in zip(grad(found, sources, noise), grad(expected, sources, noise), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)


def test_the_result_for_one_pixel() -> None:
    weight, pixel = torch.arange(1.0, 10.0).view(1, 1, 3, 3), torch.full((1, 1, 1, 1), 2.0)
    zeros_around = torch.tensor([[5 + 6 + 8 + 9, 4 + 5 + 7 + 8], [2 + 3 + 5 + 6, 1 + 2 + 4 + 5]])
    torch.testing.assert_close(upsampled_conv2d(pixel, spread(weight)), 2.0 * zeros_around.view(1, 1, 2, 2))
    torch.testing.assert_close(upsampled_conv2d(pixel, spread(weight), reflect=True), torch.full((1, 1, 2, 2), 90.0))
