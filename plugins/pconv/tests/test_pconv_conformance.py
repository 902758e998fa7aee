"""Facts that every faithful implementation of partial convolutions must reproduce."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from bench_core.losses.perceptual import gram
from bench_core.losses.reconstruction import hole_l1, valid_l1
from bench_core.losses.smoothness import tv
from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_pconv.layers import PartialConv2d
from bench_pconv.model import PConv, build, build_seven


def mean_filter(shares: tuple[int, ...] = (1,), bias: float | None = None) -> PartialConv2d:
    """Return a 3x3 mean with zero padding."""
    conv = PartialConv2d(sum(shares), 1, 3, padding=1, bias=bias is not None, shares=shares)
    torch.nn.init.constant_(conv.weight, 1 / 9)
    if conv.bias is not None and bias is not None:
        torch.nn.init.constant_(conv.bias, bias)
    return conv


def valid_where(size: int, rows: slice, columns: slice, hole: bool = False) -> Tensor:
    mask = torch.full((1, 1, size, size), float(hole))
    mask[..., rows, columns] = float(not hole)
    return mask


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("build", "bias", "parameters"),
    [
        (build, "last", 32_859_732),
        (build, "unnormed", 32_859_796),
        (build, "all", 32_865_236),
        (build_seven, "last", 25_779_796),
        (build_seven, "unnormed", 25_779_860),
    ],
)
def test_fact_01_parameter_counts(build: Callable[..., PConv], bias: str, parameters: int):
    with torch.device("meta"):
        assert count(build("paper", 3, bias=bias)) == parameters


def test_fact_02_a_mean_of_ones_is_one_even_at_the_border():
    y, valid = mean_filter()(torch.ones(1, 1, 5, 5), torch.ones(1, 1, 5, 5))
    torch.testing.assert_close(y, torch.ones(1, 1, 5, 5))
    assert valid.eq(1).all()
    # without the ratio the borders would be 6/9 and 4/9: the ratios are 1.5 and 2.25
    plain = torch.nn.functional.conv2d(torch.ones(1, 1, 5, 5), torch.full((1, 1, 3, 3), 1 / 9), padding=1)
    ratio = y / plain
    torch.testing.assert_close(ratio[0, 0, 0], torch.tensor([2.25, 1.5, 1.5, 1.5, 2.25]))
    torch.testing.assert_close(ratio[0, 0, 2, 2], torch.tensor(1.0))


def test_fact_03_a_single_valid_pixel_with_bias():
    valid = valid_where(5, slice(0, 1), slice(0, 1))
    y, updated = mean_filter(bias=0.5)(torch.ones(1, 1, 5, 5), valid)
    expected = torch.zeros(1, 1, 5, 5)
    expected[..., :2, :2] = 1.5  # 1/9 * 9 + 0.5
    torch.testing.assert_close(y, expected)
    assert updated.equal(expected.clamp(max=1).ceil())


def test_fact_04_valid_regions_grow_by_one_pixel_a_layer():
    conv = mean_filter()
    valid, counts = valid_where(7, slice(3, 4), slice(3, 4)), []
    for _ in range(3):
        _, valid = conv(torch.ones(1, 1, 7, 7), valid)
        counts.append(int(valid.sum()))
    assert counts == [9, 25, 49]
    valid, holes = valid_where(8, slice(2, 6), slice(2, 6), hole=True), []
    for _ in range(2):
        _, valid = conv(torch.ones(1, 1, 8, 8), valid)
        holes.append(int((1 - valid).sum()))
    assert holes == [4, 0]


def test_fact_05_a_strided_convolution_leaves_one_missing_pixel():
    conv = PartialConv2d(1, 1, 7, stride=2, padding=3)
    _, valid = conv(torch.ones(1, 1, 16, 16), valid_where(16, slice(4, 12), slice(4, 12), hole=True))
    assert valid.shape == (1, 1, 8, 8)
    assert (valid == 0).nonzero().tolist() == [[0, 0, 4, 4]]


def test_fact_06_masks_that_differ_over_channels():
    conv = PartialConv2d(2, 1, 3, shares=(1, 1))
    torch.nn.init.ones_(conv.weight)
    valid = torch.stack([torch.ones(3, 3), torch.zeros(3, 3)])[None]
    y, _ = conv(torch.ones(1, 2, 3, 3), valid)
    assert y.item() == pytest.approx(18)  # 9 valid ones, times 18/9


def test_fact_07_to_09_the_terms_of_the_loss_are_divided_as_printed():
    hole = 1 - valid_where(4, slice(1, 3), slice(1, 3), hole=True)
    ones = torch.ones(1, 1, 4, 4)
    ctx = LossContext(0 * ones, hole, MethodOutput(ones), torch.nn.Module(), Backbones("random"))
    assert (hole_l1(ctx).item(), valid_l1(ctx).item(), tv(ctx).item()) == (0.25, 0.75, 0.5)
    correlations = gram(torch.tensor([1.0, 2.0]).view(1, 2, 1, 1))
    torch.testing.assert_close(correlations, torch.tensor([[[0.5, 1], [1, 2]]]))
    assert correlations.abs().mean().item() == 1.125


def test_fact_10_no_valid_pixel_gives_zero_and_finite_gradients():
    conv = mean_filter(bias=0.5)
    x = torch.randn(1, 1, 5, 5, requires_grad=True)
    y, valid = conv(x, torch.zeros(1, 1, 5, 5))
    assert y.eq(0).all()
    assert valid.eq(0).all()
    y.sum().backward()
    assert x.grad is not None and x.grad.isfinite().all()
    assert conv.weight.grad is not None and conv.weight.grad.isfinite().all()


def test_a_shared_mask_equals_a_mask_repeated_over_channels():
    """One channel that stands for many gives the result of many, at a lower cost."""
    shared, repeated = (
        PartialConv2d(5, 4, 3, padding=1, shares=(3, 2)),
        PartialConv2d(5, 4, 3, padding=1, shares=(1,) * 5),
    )
    repeated.weight = shared.weight
    x, valid = torch.randn(2, 5, 8, 8), (torch.rand(2, 2, 8, 8) > 0.6).float()
    y, updated = shared(x, valid)
    y_repeated, updated_repeated = repeated(x, valid[:, [0, 0, 0, 1, 1]])
    torch.testing.assert_close(y, y_repeated)
    assert updated.equal(updated_repeated)


def test_mixed_precision_counts_exactly():
    conv = PartialConv2d(256, 1, 5, padding=2)
    torch.nn.init.ones_(conv.weight)
    valid = (torch.rand(1, 1, 16, 16) > 0.5).float()
    y, _ = conv(torch.ones(1, 256, 16, 16), valid)
    with torch.autocast("cpu", torch.bfloat16):
        y_mixed, _ = conv(torch.ones(1, 256, 16, 16), valid)
    torch.testing.assert_close(y, torch.full_like(y, 6400))  # 256 * 25 ones, however many of them are valid
    torch.testing.assert_close(y_mixed.float(), y, rtol=2**-8, atol=0)  # only the sum itself is rounded


def test_hidden_values_never_matter():
    conv = PartialConv2d(3, 4, 5, stride=2, padding=2)
    x, valid = torch.randn(1, 3, 16, 16), (torch.rand(1, 1, 16, 16) > 0.5).float()
    y, _ = conv(x, valid)
    y_other, _ = conv(torch.where(valid.bool(), x, 1e6), valid)
    assert y.equal(y_other)
