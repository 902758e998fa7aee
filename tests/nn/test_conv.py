"""Padded and spectrally normalised convolutions against independent computations."""

import pytest
import torch
from torch.nn.functional import conv2d, pad

from bench_core.errors import BadInput
from bench_core.nn.conv import PaddedConv2d, Padding, SpectralConv2d, require_side, same_padding


@pytest.mark.parametrize("size", [7, 8, 9, 10])
@torch.no_grad()
def test_same_padding_agrees_with_loops_over_windows(size: int) -> None:
    layer, x = PaddedConv2d(1, 1, 5, stride=2), torch.randn(1, 1, size, size)
    shift = 2 if size % 2 else 1  # zeros in front
    expected = torch.zeros(1, 1, (size + 1) // 2, (size + 1) // 2)  # the bias is zero
    for i in range(expected.shape[2]):
        for j in range(expected.shape[3]):
            for y in range(5):
                for x0 in range(5):
                    row, column = 2 * i - shift + y, 2 * j - shift + x0
                    if 0 <= row < size and 0 <= column < size:
                        expected[0, 0, i, j] += layer.weight[0, 0, y, x0] * x[0, 0, row, column]
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize(("padding", "mode"), [("even", "constant"), ("reflect", "reflect")])
@torch.no_grad()
def test_other_paddings_are_even(padding: Padding, mode: str, stride: int) -> None:
    layer, x = PaddedConv2d(2, 3, 5, stride, dilation=2, padding=padding), torch.randn(1, 2, 12, 14)
    expected = conv2d(pad(x, (4, 4, 4, 4), mode), layer.weight, stride=stride, dilation=2)
    torch.testing.assert_close(layer(x), expected)  # the bias is zero


def test_layers_start_from_glorots_rule() -> None:
    torch.manual_seed(0)
    for layer in (PaddedConv2d(8, 32, 3), SpectralConv2d(8, 32, 3)):
        bound = (6 / (9 * 8 + 9 * 32)) ** 0.5
        assert 0.98 * bound < layer.weight.abs().max() <= bound
        assert layer.bias is not None and not layer.bias.any()


@torch.no_grad()
def test_a_forward_pass_takes_one_step_of_power_iteration_and_stores_it_in_training() -> None:
    torch.manual_seed(0)
    layer, x = SpectralConv2d(3, 6, 5, stride=2), torch.randn(1, 3, 8, 8)
    kernel = layer.weight.permute(2, 3, 1, 0).reshape(-1, 6)  # (k k in, out) as in the official code
    v = layer.u @ kernel.T
    v = v / v.norm()
    u = v @ kernel
    u = u / u.norm()
    expected = PaddedConv2d.forward(layer, x) / (v @ kernel @ u.T).squeeze()
    torch.testing.assert_close(layer.train()(x), expected)  # the bias is zero
    torch.testing.assert_close(layer.u, u)
    before = layer.u.clone()
    assert torch.equal(layer.eval()(x), layer(x)) and torch.equal(layer.u, before)


@torch.no_grad()
def test_power_iteration_converges_to_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    layer = SpectralConv2d(3, 6, 5).train()
    for _ in range(200):
        layer.sigma()
    torch.testing.assert_close(layer.sigma(), torch.linalg.matrix_norm(layer.weight.flatten(1), 2))


@pytest.mark.parametrize(("kernel_size", "expected"), [(3, (0, 1)), (5, (1, 2))])
@torch.no_grad()
def test_the_odd_zero_goes_behind(kernel_size: int, expected: tuple[int, int]) -> None:
    assert same_padding(256, kernel_size, 2) == expected
    layer = PaddedConv2d(1, 1, kernel_size, stride=2)
    ramp = torch.arange(1.0, 257.0)
    image = ramp.view(1, 1, -1, 1) * ramp
    padded = pad(image, (expected[0], expected[1]) * 2)
    for tap in range(kernel_size):
        layer.weight.zero_()[..., tap, tap] = 1
        assert torch.equal(layer(image), padded[..., tap : tap + 256 : 2, tap : tap + 256 : 2])


def test_images_that_are_too_small_to_mirror_are_refused() -> None:
    require_side(torch.rand(1, 3, 12, 40), 12, "toy")
    for size in ((11, 40), (40, 11)):
        with pytest.raises(BadInput, match=rf"toy.*images of {size[0]} x {size[1]} pixels.*of 12 or more"):
            require_side(torch.rand(1, 3, *size), 12, "toy")
