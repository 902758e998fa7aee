"""The networks against forward passes written out from the paper's equations, with the same weights."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from bench_aot_gan.layers import AOTBlock
from bench_aot_gan.model import SIZES, Generator, build
from bench_core.errors import BadInput


def assert_close(found, wanted):
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)


def mirrored(x: Tensor, r: int) -> Tensor:
    """Add r mirrored pixels on each side, without repeating the border."""
    for axis in (2, 3):
        n = x.shape[axis]
        x = x.index_select(axis, torch.tensor([*range(r, 0, -1), *range(n), *range(n - 2, n - 2 - r, -1)]))
    return x


def doubled(x: Tensor) -> Tensor:
    """Interpolate linearly to twice the size; the first and last pixels stay where they are."""
    for axis in (2, 3):
        n = x.shape[axis]
        place = torch.arange(2 * n, dtype=x.dtype) * (n - 1) / (2 * n - 1)
        left = place.floor().long().clamp(max=n - 2)
        share = (place - left).view(-1, *[1] * (3 - axis))
        x = x.index_select(axis, left) * (1 - share) + x.index_select(axis, left + 1) * share
    return x


def positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0)


def conv(state, name: str, x: Tensor, padding: int = 0, stride: int = 1, dilation: int = 1) -> Tensor:
    return conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], stride, padding, dilation)


def published_block(state, x: Tensor, rates: tuple[int, ...], at: str = "") -> Tensor:
    views = [
        positive(conv(state, f"{at}branches.{i}", mirrored(x, rate), dilation=rate)) for i, rate in enumerate(rates)
    ]
    y = conv(state, f"{at}fuse", mirrored(torch.cat(views, 1), 1))
    v = conv(state, f"{at}gate", mirrored(x, 1))
    centred = v - v.mean((2, 3), keepdim=True)
    deviation = (centred.square().sum((2, 3), keepdim=True) / (v.shape[2] * v.shape[3] - 1)).sqrt()
    gate = 1 / (1 + torch.exp(-5 * (2 * centred / (deviation + 1e-9) - 1)))
    return x * (1 - gate) + y * gate


def published_generator(state, x: Tensor, num_blocks: int, rates: tuple[int, ...]) -> Tensor:
    x = positive(conv(state, "encoder.0", mirrored(x, 3)))
    x = positive(conv(state, "encoder.2", x, padding=1, stride=2))
    x = positive(conv(state, "encoder.4", x, padding=1, stride=2))
    for i in range(num_blocks):
        x = published_block(state, x, rates, f"blocks.{i}.")
    x = positive(conv(state, "decoder.1", doubled(x), padding=1))
    x = positive(conv(state, "decoder.4", doubled(x), padding=1))
    return torch.tanh(conv(state, "decoder.6", x, padding=1))


@torch.no_grad()
@pytest.mark.parametrize("rates", [(1, 2, 4, 8), (1, 2, 3, 4)])
def test_the_block_is_the_one_of_the_equations(rates, scramble):
    block, x = scramble(AOTBlock(16, rates)).double(), torch.randn(2, 16, 12, 10).double()
    assert_close(block(x), published_block(block.state_dict(), x, rates))


@torch.no_grad()
@pytest.mark.parametrize(("num_blocks", "rates"), [(2, (1, 2, 3, 4)), (8, (1, 2, 4, 8))])
def test_the_generator_is_encoder_blocks_and_decoder(num_blocks, rates, scramble):
    generator, x = scramble(Generator(8, num_blocks, rates)).double(), torch.randn(2, 4, 36, 48).double()
    wanted = published_generator(generator.state_dict(), x, num_blocks, rates)
    torch.testing.assert_close(generator(x), wanted, rtol=1e-6, atol=1e-6)
    assert wanted.std() > 0.1


@torch.no_grad()
def test_the_discriminator_is_five_convolutions(nano, scramble):
    discriminator, image = scramble(nano.discriminator).double(), torch.randn(2, 3, 40, 32).double()
    state, x = discriminator.state_dict(), image
    for layer, stride in enumerate((2, 2, 2, 1)):
        weight, u, v = (state[f"layers.{layer}.weight_{kind}"] for kind in ("orig", "u", "v"))
        sigma = torch.einsum("o,of,f", u, weight.flatten(1), v)
        x = conv2d(x, weight / sigma, None, stride, 1)
        x = torch.where(x > 0, x, 0.2 * x)
    assert_close(discriminator(image), conv(state, "layers.4", x, padding=1))


def test_nano_is_the_same_network_with_an_eighth_of_every_width(nano):
    with torch.device("meta"):
        paper = build("paper", 3).state_dict()
    small = nano.state_dict()
    assert set(small) == {name for name in paper if ".blocks." not in name or name.split(".")[2] in ("0", "1")}
    fixed = {3, 4, 1}  # colours, colours and hole, score
    for name, value in small.items():
        if "weight_v" not in name:
            sizes = zip(paper[name].shape[:2], value.shape[:2], strict=True)
            assert all(wide == 8 * narrow or wide == narrow in fixed for wide, narrow in sizes), name
            assert paper[name].shape[2:] == value.shape[2:]
    assert SIZES["nano"].rates == (1, 2, 3, 4) and SIZES["paper"].rates == (1, 2, 4, 8)


@torch.no_grad()
def test_the_generator_gets_minus_one_to_one_and_white_in_the_hole(nano, pair):
    inputs = []
    nano.generator.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    image, hole = pair
    output = nano(image * (1 - hole), hole)
    wanted = torch.where(hole.bool(), 1, 2 * image - 1)
    torch.testing.assert_close(inputs[0], torch.cat([wanted, hole], 1))
    assert torch.equal(output.prediction, (nano.generator(inputs[0]) + 1) / 2)
    assert output.coarse is None


@torch.no_grad()
def test_images_of_a_batch_do_not_influence_each_other(nano, scramble, pair):
    masked, hole = (plane.double() for plane in pair)
    scramble(nano).double()
    one_by_one = [nano.predict(masked[i : i + 1], hole[i : i + 1]) for i in range(2)]
    assert_close(nano.predict(masked, hole), torch.cat(one_by_one))


def test_initial_weights_are_those_of_the_official_rule():
    method = build("nano", 3)
    for name, parameter in method.named_parameters():
        if name.endswith("bias"):
            assert parameter.eq(0).all(), name
        else:
            assert parameter.mean().item() == pytest.approx(0, abs=0.003), name
            assert parameter.std().item() == pytest.approx(0.02, rel=0.15), name


def test_every_weight_of_the_generator_has_a_gradient_but_the_gates_bias(nano, pair):
    """Standardisation cancels the bias of the gate's convolution."""
    image, hole = pair
    generator = nano.double().generator
    nano(image.double() * (1 - hole), hole.double()).prediction.square().sum().backward()
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert (parameter.grad.abs().max() > 1e-12) == (not name.endswith("gate.bias")), name


def test_features_stay_in_memory_with_channels_last(nano):
    maps: list[Tensor] = []
    for layer in nano.generator.modules():
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda *call: maps.append(call[2]))
    nano(torch.zeros(1, 3, 32, 32), torch.ones(1, 1, 32, 32))
    assert len(maps) == 18
    assert all(x.is_contiguous(memory_format=torch.channels_last) for x in maps)


def test_unknown_labels_raise_bad_input():
    with pytest.raises(BadInput, match=r"aot_gan.labels 'releasd'\. Did you mean 'released'"):
        build("nano", 3, labels="releasd")
