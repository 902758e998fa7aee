"""The parts of the generator against forward passes written out from their definition."""

from functools import partial

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, conv_transpose2d, instance_norm

from bench_core.nn.encoder_decoder import MIN_SIDE, Decoder, DilatedBlock, Encoder
from bench_core.nn.instance_norm import InstanceNorm
from bench_core.nn.spectral_norm import SpectralNormConv2d


class Shift(nn.Module):
    """Stands for a norm with weights, and with conditions to add."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.shift = nn.Parameter(torch.randn(width, 1, 1))

    def forward(self, x: Tensor, *conditions: Tensor) -> Tensor:
        return x + self.shift + sum(conditions)


def mirrored(x: Tensor, r: int) -> Tensor:
    for axis in (2, 3):
        n = x.shape[axis]
        x = x.index_select(axis, torch.tensor([*range(r, 0, -1), *range(n), *range(n - 2, n - 2 - r, -1)]))
    return x


def positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0)


@torch.no_grad()
def test_the_encoder_gives_its_conditions_to_every_norm() -> None:
    encoder, x, condition = Encoder(5, 4, Shift), torch.randn(2, 5, 20, 16), torch.randn(2, 1, 1, 1)
    state, wanted = encoder.state_dict(), mirrored(x, 3)
    for i, (stride, padding) in enumerate([(1, 0), (2, 1), (2, 1)]):
        wanted = conv2d(wanted, state[f"convs.{i}.weight"], state[f"convs.{i}.bias"], stride, padding)
        wanted = positive(wanted + state[f"norms.{i}.shift"] + condition)
    torch.testing.assert_close(encoder(x, condition), wanted)
    assert wanted.shape == (2, 16, 5, 4)


@torch.no_grad()
@pytest.mark.parametrize("dilation", [1, 2])
def test_the_block_adds_its_input_without_an_activation(dilation: int) -> None:
    block, x = DilatedBlock(6, Shift, dilation=dilation), torch.randn(2, 6, 8, 7)
    state = block.state_dict()
    y = conv2d(mirrored(x, dilation), state["conv1.weight"], state["conv1.bias"], dilation=dilation)
    y = conv2d(mirrored(positive(y + state["norm1.shift"]), 1), state["conv2.weight"], state["conv2.bias"])
    torch.testing.assert_close(block(x), x + y + state["norm2.shift"])


@torch.no_grad()
def test_the_decoder_doubles_the_size_twice() -> None:
    up = partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)
    decoder, x = Decoder(4, 3, up, Shift), torch.randn(2, 16, 5, 4)
    state, wanted = decoder.state_dict(), x
    for i in range(2):
        wanted = conv_transpose2d(wanted, state[f"ups.{i}.weight"], state[f"ups.{i}.bias"], stride=2, padding=1)
        wanted = positive(wanted + state[f"norms.{i}.shift"])
    wanted = conv2d(mirrored(wanted, 3), state["last.weight"], state["last.bias"])
    torch.testing.assert_close(decoder(x), wanted)
    assert wanted.shape == (2, 3, 20, 16)


def test_convolutions_and_norms_are_those_handed_in() -> None:
    conv = partial(SpectralNormConv2d, bias=False)
    parts = nn.Sequential(
        Encoder(3, 4, lambda _: InstanceNorm(), conv), DilatedBlock(16, lambda _: InstanceNorm(), conv)
    )
    layers = [layer for layer in parts.modules() if isinstance(layer, nn.Conv2d)]
    assert [isinstance(layer, SpectralNormConv2d) for layer in layers] == [True] * 5
    assert all(layer.bias is None for layer in layers)
    parts(torch.rand(1, 3, MIN_SIDE, MIN_SIDE)).sum().backward()
    assert all(parameter.grad is not None for parameter in parts.parameters())


def test_the_smallest_side_is_the_least_that_can_be_mirrored() -> None:
    parts = nn.Sequential(Encoder(3, 2, Shift), DilatedBlock(8, Shift))
    parts(torch.rand(1, 3, MIN_SIDE, MIN_SIDE))
    with pytest.raises(RuntimeError, match="less than"):
        parts(torch.rand(1, 3, MIN_SIDE - 4, MIN_SIDE))


def test_instance_norm_as_a_layer() -> None:
    x = torch.randn(2, 3, 5, 4)
    torch.testing.assert_close(InstanceNorm()(x), instance_norm(x))
