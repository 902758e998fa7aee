"""The layer agrees with one plain convolution of padded, possibly repeated pixels, in outputs and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import conv2d, elu_, pad

from bench_contextual_attention.layers import Conv


def plain(layer: Conv, x: Tensor) -> Tensor:
    """Compute a layer with one convolution and without its own padding and upsampling."""
    if layer.upsample:
        x = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    stride, dilation, side = layer.stride[0], layer.dilation[0], layer.kernel_size[0]
    around = [dilation * (side - 1)] * 2
    if layer.lopsided:
        around = [max((-(-size // stride) - 1) * stride + side - size, 0) for size in x.shape[-2:]]
    (top, bottom), (left, right) = ((total // 2, total - total // 2) for total in around)
    mode = "reflect" if layer.padding_mode == "reflect" else "constant"
    y = conv2d(pad(x, (left, right, top, bottom), mode), layer.weight, layer.bias, stride, 0, dilation)
    return torch.where(y > 0, y, y.exp() - 1)


@settings(deadline=None, max_examples=40)
@given(
    size=st.tuples(*[st.integers(1, n) for n in (2, 4, 4)], st.integers(17, 22), st.integers(17, 22)),
    kind=st.sampled_from([(3, 1, 1), (5, 1, 1), (3, 2, 1), (3, 1, 2), (3, 1, 16), "upsample"]),
    padding=st.sampled_from(["same", "even", "reflect"]),
    seed=st.integers(0, 2**20),
)
def test_a_layer_equals_one_plain_convolution(size, kind, padding, seed: int) -> None:
    torch.manual_seed(seed)
    batch, before, after, height, width = size
    side, stride, dilation = (3, 1, 1) if kind == "upsample" else kind
    layer = Conv(before, after, side, stride, dilation, kind == "upsample", padding=padding).double()
    assert layer.bias is not None
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(batch, before, height, width, dtype=torch.float64, requires_grad=True)
    found, expected = layer(x), plain(layer, x)
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    sources, noise = (x, layer.weight, layer.bias), torch.randn_like(expected)
    for ours, theirs in zip(grad(found, sources, noise), grad(expected, sources, noise), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


def test_weights_start_from_glorots_rule() -> None:
    layer = Conv(16, 48, kernel_size=5)
    bound = (6 / (25 * (16 + 48))) ** 0.5
    assert layer.activation is elu_ and layer.bias is not None and layer.bias.eq(0).all()
    assert 0.98 * bound < layer.weight.abs().max() <= bound
    assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
