"""Spectral norm against PyTorch's own, and against the largest singular value."""

import pytest
import torch
from torch import Tensor, nn

from bench_core.nn.init import init_normal
from bench_core.nn.spectral_norm import SpectralNormConv2d


@pytest.fixture
def pair() -> tuple[SpectralNormConv2d, nn.Conv2d]:
    """Our layer, and PyTorch's with the same state."""
    torch.manual_seed(0)
    theirs = nn.utils.spectral_norm(nn.Conv2d(3, 6, 4, stride=2, padding=1))
    ours = SpectralNormConv2d(3, 6, 4, stride=2, padding=1)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def test_the_state_is_that_of_pytorchs(pair: tuple[SpectralNormConv2d, nn.Conv2d]) -> None:
    ours, theirs = pair
    assert {name: value.shape for name, value in ours.state_dict().items()} == {
        name: value.shape for name, value in theirs.state_dict().items()
    }
    assert [name for name, _ in ours.named_parameters()] == ["bias", "weight_orig"]
    assert list(SpectralNormConv2d(3, 6, 4, bias=False).state_dict()) == ["weight_orig", "weight_u", "weight_v"]


@pytest.mark.parametrize("training", [True, False])
def test_outputs_vectors_and_gradients_are_those_of_pytorchs(
    pair: tuple[SpectralNormConv2d, nn.Conv2d], training: bool
) -> None:
    ours, theirs = pair
    before = ours.weight_u.clone()
    for _ in range(3):  # each backward pass comes after a later forward pass
        x = torch.randn(2, 3, 8, 8)
        for layer in pair:
            layer.train(training)
            layer.zero_grad()
            first, second = layer(x), layer(x + 1)
            (first.square().sum() + second.sum()).backward()
        torch.testing.assert_close(ours(x), theirs(x))
        for name, value in theirs.state_dict().items():
            torch.testing.assert_close(ours.state_dict()[name], value)
        for name, parameter in theirs.named_parameters():
            torch.testing.assert_close(ours.get_parameter(name).grad, parameter.grad)
    assert torch.equal(ours.weight_u, before) != training


@torch.no_grad()
def test_it_converges_to_the_largest_singular_value() -> None:
    torch.manual_seed(0)
    layer = SpectralNormConv2d(3, 6, 5)
    for _ in range(100):
        layer(torch.zeros(1, 3, 5, 5))
    torch.testing.assert_close(layer.sigma(), torch.linalg.svdvals(layer.weight_orig.flatten(1))[0])


@torch.no_grad()
def test_power_iteration_stays_in_32_bits_under_autocast(pair: tuple[SpectralNormConv2d, nn.Conv2d]) -> None:
    ours, _ = pair
    expected = ours.eval().sigma()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(ours.sigma(), expected)
        assert ours(torch.rand(1, 3, 8, 8)).dtype == torch.bfloat16


@torch.no_grad()
def test_the_normal_rule_reaches_the_weight(pair: tuple[SpectralNormConv2d, nn.Conv2d]) -> None:
    layer: SpectralNormConv2d = SpectralNormConv2d(8, 64, 3).apply(init_normal)
    assert layer.weight_orig.std().item() == pytest.approx(0.02, rel=0.1)
    assert isinstance(layer.bias, Tensor) and layer.bias.eq(0).all()
