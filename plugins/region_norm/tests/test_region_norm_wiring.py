"""The networks against forward passes written out from the paper's description, with the same weights."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from bench_core.errors import BadInput
from bench_core.nn.spectral_norm import SpectralNorm
from bench_region_norm.layers import LearnedRegionNorm
from bench_region_norm.model import Generator, build

THRESHOLD = 0.6


def mirrored(x: Tensor, r: int) -> Tensor:
    """Add r mirrored pixels on each side, without repeating the border."""
    for axis in (2, 3):
        n = x.shape[axis]
        x = x.index_select(axis, torch.tensor([*range(r, 0, -1), *range(n), *range(n - 2, n - 2 - r, -1)]))
    return x


def positive(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0)


def conv(state, name: str, x: Tensor, padding: int = 0, stride: int = 1, dilation: int = 1) -> Tensor:
    return conv2d(x, state[f"{name}.weight"], state.get(f"{name}.bias"), stride, padding, dilation)


def normalised(x: Tensor, region: Tensor) -> Tensor:
    """Normalise the pixels of either side as a list of their own."""
    y, inside = torch.empty_like(x), region.squeeze(1).bool()
    for side in (inside, ~inside):
        values = x.movedim(1, -1)[side]
        if len(values):
            variance = values.var(0, correction=0) + 1e-5 * inside.numel() / len(values)
            y.movedim(1, -1)[side] = (values - values.mean(0)) / variance.sqrt()
    return y


def basic(state, name: str, x: Tensor, hole: Tensor) -> Tensor:
    step = hole.shape[-1] // x.shape[-1]
    region = hole[:, :, ::step, ::step]
    gains = (1 + state[f"{name}.{side}_gamma"][:, None, None] for side in ("hole", "known"))
    shift = (state[f"{name}.hole_beta"] + state[f"{name}.known_beta"])[:, None, None]
    return normalised(x, region) * torch.where(region.bool(), *gains) + shift


def learned(state, name: str, x: Tensor, threshold: float, regions: list[float]) -> Tensor:
    stats = torch.stack([x.mean(1), x.max(1).values], dim=1)
    response = torch.sigmoid(conv(state, f"{name}.response_conv", stats, 3))
    region = (response >= threshold).double()
    regions.append(region.mean().item())
    gamma, beta = (conv(state, f"{name}.{kind}_conv", response, 3) for kind in ("gamma", "beta"))
    return normalised(x, region) * (1 + gamma) + beta


def shuffled(x: Tensor) -> Tensor:
    """Make 2 x 2 pixels of four channels: top left, top right, bottom left, bottom right."""
    rows = [torch.stack([x[:, i::4], x[:, i + 1 :: 4]], dim=-1).flatten(3) for i in (0, 2)]
    return torch.stack(rows, dim=3).flatten(2, 3)


def published(state, image: Tensor, hole: Tensor, num_blocks: int, regions: list[float]) -> Tensor:
    x = mirrored(image, 3)
    for i, (stride, padding) in enumerate([(1, 0), (2, 1), (2, 1)]):
        x = conv(state, f"encoder.convs.{i}", x, padding, stride)
        x = positive(basic(state, f"encoder.norms.{i}", x, hole))
    for i in range(num_blocks):
        y = conv(state, f"blocks.{i}.conv1", mirrored(x, 2), dilation=2)
        y = positive(learned(state, f"blocks.{i}.norm1", y, THRESHOLD, regions))
        y = conv(state, f"blocks.{i}.conv2", mirrored(y, 1))
        x = x + learned(state, f"blocks.{i}.norm2", y, THRESHOLD, regions)
    for i in range(2):
        x = shuffled(conv(state, f"decoder.ups.{i}.0", x, padding=1))
        x = positive(learned(state, f"decoder.norms.{i}", x, 0.8, regions))
    return (torch.tanh(conv(state, "decoder.last", mirrored(x, 3))) + 1) / 2


@torch.no_grad()
@pytest.mark.parametrize("num_blocks", [2, 8])
def test_the_generator_is_encoder_blocks_and_decoder(num_blocks: int, scramble, pair):
    generator = scramble(Generator(8, num_blocks, THRESHOLD)).double()
    image, hole = (plane.double() for plane in pair)
    regions: list[float] = []
    wanted = published(generator.state_dict(), image, hole, num_blocks, regions)
    torch.testing.assert_close(generator(image, hole), wanted, rtol=1e-7, atol=1e-7)
    assert wanted.std() > 0.1
    mixed = [0.02 < share < 0.98 for share in regions]
    assert sum(mixed[:-2]) >= num_blocks and any(mixed[-2:]), regions


@torch.no_grad()
def test_hidden_pixels_are_white_for_the_generator(nano, pair):
    inputs = []
    nano.generator.register_forward_pre_hook(lambda module, given: inputs.append(given))
    image, hole = pair
    output = nano(image * (1 - hole), hole)
    assert torch.equal(inputs[0][0], torch.where(hole.bool(), 1, image)) and torch.equal(inputs[0][1], hole)
    assert torch.equal(output.prediction, nano.generator(*inputs[0])) and output.coarse is None


@torch.no_grad()
def test_the_discriminator_scores_images_in_zero_to_one(nano, pair):
    """`bench_core.nn.discriminators.PatchGAN` has its own test."""
    image, _ = pair
    inputs = []
    nano.discriminator.layers[0].register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    assert nano.discriminator(image).shape == (2, 1, 2, 4) and torch.equal(inputs[0], image)


def test_the_option_sets_the_blocks_thresholds_but_not_the_decoders():
    def thresholds(part: nn.Module) -> set[float]:
        return {layer.threshold for layer in part.modules() if isinstance(layer, LearnedRegionNorm)}

    for generator, expected in ((build("nano", 3).generator, 0.8), (build("nano", 3, threshold=0.3).generator, 0.3)):
        assert thresholds(generator.blocks) == {expected} and thresholds(generator.decoder) == {0.8}


def test_nano_is_the_same_network_with_an_eighth_of_every_width(nano):
    with torch.device("meta"):
        paper = build("paper", 3).state_dict()
    small = nano.state_dict()
    assert set(small) == {name for name in paper if ".blocks." not in name or name.split(".")[2] in ("0", "1")}
    fixed = {3, 2, 1}  # colours, statistics of channels, maps
    for name, value in small.items():
        if "weight_v" not in name:
            sizes = zip(paper[name].shape[:2], value.shape[:2], strict=True)
            assert all(wide == 8 * narrow or wide == narrow in fixed for wide, narrow in sizes), name
            assert paper[name].shape[2:] == value.shape[2:]


def test_initial_weights_are_those_of_the_official_rule():
    method = build("nano", 3)
    biases, convolutions = [], [layer for layer in method.modules() if isinstance(layer, nn.Conv2d)]
    for layer in convolutions:
        weight = layer.weight_orig if isinstance(layer, SpectralNorm) else layer.weight
        deviation = 0.1 * (2 / weight[0].numel()) ** 0.5
        assert weight.std().item() == pytest.approx(deviation, rel=3 / weight.numel() ** 0.5)
        assert abs(weight.mean().item()) < 4 * deviation / weight.numel() ** 0.5
        biases += [] if layer.bias is None else [layer.bias.detach()]
    assert len(convolutions) == 3 + 4 + 3 * 6 + 3 + 5
    assert torch.cat(biases).std().item() == pytest.approx(1, rel=0.15)
    assert abs(torch.cat(biases).mean().item()) < 0.2


def test_every_weight_has_a_gradient_but_biases_that_basic_region_norm_cancels(scramble, pair):
    image, hole = (plane.double() for plane in pair)
    generator = scramble(build("nano", 3, threshold=0.5)).double().generator
    generator(image, hole).square().sum().backward()
    cancelled = {f"encoder.convs.{i}.bias" for i in range(3)}
    for name, parameter in generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert (parameter.grad.abs().max() > 1e-10) == (name not in cancelled), name


def test_images_are_12_pixels_a_side_or_more(nano):
    assert nano(torch.zeros(1, 3, 12, 16), torch.zeros(1, 1, 12, 16)).prediction.shape == (1, 3, 12, 16)
    for height, width in ((8, 40), (40, 8)):
        with pytest.raises(BadInput, match=rf"region_norm.*{height} x {width} pixels.*12 or more"):
            nano(torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width))


def test_features_keep_the_memory_layout_of_the_input(nano, pair):
    maps: list[Tensor] = []
    for layer in nano.generator.modules():
        if isinstance(layer, nn.Conv2d) and layer.out_channels > 3:
            layer.register_forward_hook(lambda *call: maps.append(call[2]))
    nano(*pair)
    assert len(maps) == 9 and all(x.is_contiguous() for x in maps)
    maps.clear()
    with torch.no_grad():
        nano(*pair)
    assert len(maps) == 9 and all(x.is_contiguous(memory_format=torch.channels_last) for x in maps)
