"""Spectral norm against PyTorch's own, and against the largest singular value."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench_core.nn.init import init_normal
from bench_core.nn.spectral_norm import SpectralNormConv2d, SpectralNormConvTranspose2d, SpectralNormLinear

KINDS = {
    "conv": (SpectralNormConv2d, nn.Conv2d, (3, 6, 4), {"stride": 2, "padding": 1}, (2, 3, 8, 8)),
    "dilated": (SpectralNormConv2d, nn.Conv2d, (3, 6, 3), {"dilation": 2}, (2, 3, 8, 8)),
    "transposed": (
        SpectralNormConvTranspose2d,
        nn.ConvTranspose2d,
        (3, 6, 3),
        {"stride": 2, "padding": 1, "output_padding": 1},
        (2, 3, 8, 8),
    ),
    "linear": (SpectralNormLinear, nn.Linear, (12, 5), {}, (2, 12)),
}
Pair = tuple[Any, nn.Module, tuple[int, ...]]


@pytest.fixture(params=KINDS)
def any_pair(request: pytest.FixtureRequest) -> Pair:
    """Our layer, PyTorch's with the same state, and the shape of an input."""
    torch.manual_seed(0)
    ours, theirs, sizes, options, shape = KINDS[request.param]
    their_layer = nn.utils.spectral_norm(theirs(*sizes, **options))
    our_layer = ours(*sizes, **options)
    our_layer.load_state_dict(their_layer.state_dict())
    return our_layer, their_layer, shape


@pytest.fixture
def pair() -> tuple[SpectralNormConv2d, nn.Conv2d]:
    """Our convolution, and PyTorch's with the same state."""
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
def test_outputs_vectors_and_gradients_are_those_of_pytorchs(any_pair: Pair, training: bool) -> None:
    ours, theirs, shape = any_pair
    before = ours.weight_u.clone()
    for _ in range(3):  # each backward pass comes after a later forward pass
        x = torch.randn(shape)
        for layer in (ours, theirs):
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
@pytest.mark.parametrize("rows", [0, 1])
def test_a_step_in_evaluation_starts_at_the_stored_vectors_every_time(rows: int) -> None:
    torch.manual_seed(0)
    layer = SpectralNormConvTranspose2d(3, 6, 3, rows=rows, step_in_evaluation=True).eval()
    matrix = layer.weight_orig.movedim(rows, 0).reshape(layer.weight_orig.shape[rows], -1)
    stored = {name: value.clone() for name, value in layer.state_dict().items()}
    v = matrix.T @ layer.weight_u
    v /= v.norm()
    expected = (matrix @ v).norm()
    for _ in range(2):
        torch.testing.assert_close(layer.sigma(), expected)
        assert all(torch.equal(layer.state_dict()[name], value) for name, value in stored.items())
    layer.train().sigma()
    torch.testing.assert_close(layer.weight_v, v)


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
@pytest.mark.parametrize(
    "layer", [SpectralNormConv2d(8, 64, 3), SpectralNormConvTranspose2d(8, 64, 3), SpectralNormLinear(64, 64)]
)
def test_the_normal_rule_reaches_the_weight(layer: Any) -> None:
    layer.apply(init_normal)
    assert layer.weight_orig.std().item() == pytest.approx(0.02, rel=0.1)
    assert isinstance(layer.bias, Tensor) and layer.bias.eq(0).all()
