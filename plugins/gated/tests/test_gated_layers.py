"""Gated layers agree with one plain convolution of padded, possibly upsampled pixels, in outputs and gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import conv2d, interpolate, pad

from bench_gated.layers import GatedConv2d
from bench_gated.model import build


def plain(layer: GatedConv2d, x: Tensor) -> Tensor:
    """Compute a layer with a single convolution for features and gate."""
    if layer.upsample:
        x = interpolate(x, scale_factor=2)
    stride, dilation, side = layer.stride[0], layer.dilation[0], layer.kernel_size[0]
    around = [dilation * (side - 1)] * 2
    if layer.lopsided:
        around = [max((-(-size // stride) - 1) * stride + side - size, 0) for size in x.shape[-2:]]
    (top, bottom), (left, right) = ((total // 2, total - total // 2) for total in around)
    mode = "reflect" if layer.padding_mode == "reflect" else "constant"
    y = conv2d(pad(x, (left, right, top, bottom), mode), layer.weight, layer.bias, stride, 0, dilation)
    features, gate = y.chunk(2, dim=1)
    return layer.activation(features) * torch.sigmoid(gate)


def assert_same(found: Tensor, expected: Tensor, *sources: Tensor) -> None:
    """Compare outputs within 1e-10, and gradients of (output x noise) by the sources within 1e-8."""
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-10)
    noise = torch.randn_like(expected)
    for ours, theirs in zip(grad(found, sources, noise), grad(expected, sources, noise), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


@settings(deadline=None, max_examples=60)
@given(
    size=st.tuples(*[st.integers(1, n) for n in (3, 4, 4)], st.integers(17, 24), st.integers(17, 24)),
    kind=st.sampled_from([(3, 1, 1), (5, 1, 1), (3, 2, 1), (5, 2, 1), (3, 1, 2), (3, 1, 16), "upsample"]),
    padding=st.sampled_from(["same", "even", "reflect"]),
    seed=st.integers(0, 2**20),
)
def test_a_layer_equals_one_plain_convolution(size, kind, padding, seed: int) -> None:
    torch.manual_seed(seed)
    batch, before, after, height, width = size
    upsample = kind == "upsample"
    side, stride, dilation = (3, 1, 1) if upsample else kind
    layer = GatedConv2d(before, after, side, stride, dilation, upsample, padding=padding).double()
    assert layer.bias is not None
    torch.nn.init.normal_(layer.bias)
    x = torch.randn(batch, before, height, width, dtype=torch.float64, requires_grad=True)
    found, expected = layer(x), plain(layer, x)
    assert_same(found, expected, x, layer.weight, layer.bias)
    single = layer.float()(x.detach().float())
    assert (single - expected).abs().max() < 1e-5 * expected.abs().max().clamp(min=1e-3)


@pytest.mark.parametrize("wiring", ["official", "mmagic"])
def test_a_generator_equals_one_of_plain_layers(wiring: str, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    method = build("nano", 3, wiring=wiring).double()
    hole = torch.zeros(2, 1, 72, 80, dtype=torch.float64)
    hole[..., 16:48, 24:56] = 1
    masked = torch.rand(2, 3, 72, 80, dtype=torch.float64) * (1 - hole)
    found = torch.cat(method.generator(masked, hole))
    monkeypatch.setattr(GatedConv2d, "forward", plain)
    expected = torch.cat(method.generator(masked, hole))
    assert_same(found, expected, *method.generator.parameters())
