"""The networks' structure. The published layouts test the generators layer by layer, against equations of their own."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import conv2d, elu, linear, pad

from bench_core.errors import BadInput
from bench_core.nn.conv import PaddedConv2d
from bench_core.nn.discriminators import HalvingCritic
from bench_gmcnn.discriminators import HoleCritic, SpectralDiscriminator
from bench_gmcnn.layers import UpsampledConv
from bench_gmcnn.model import GMCNN, build
from bench_gmcnn.wiring import WIRINGS


def convolutions(method: GMCNN) -> dict[str, PaddedConv2d]:
    return {name: layer for name, layer in method.generator.named_modules() if isinstance(layer, PaddedConv2d)}


@pytest.mark.parametrize("variant", WIRINGS)
def test_the_small_generator_has_the_same_layers_narrower(variant: str) -> None:
    with torch.device("meta"):
        wide, narrow = convolutions(build("paper", 3, variant)), convolutions(build("nano", 3, variant))
    assert list(wide) == list(narrow)
    for name, layer in narrow.items():
        assert (layer.kernel_size, layer.stride, layer.dilation) == (
            wide[name].kernel_size, wide[name].stride, wide[name].dilation
        )  # fmt: skip
        assert wide[name].out_channels == (4 * layer.out_channels if layer.out_channels != 3 else 3)


def test_padding_is_mirrored_zero_or_tensorflows() -> None:
    with torch.device("meta"):
        layers = {(s, v): convolutions(build(s, 3, v)).values() for s in ("paper", "nano") for v in WIRINGS}
    modes = {which: {(one.padding_mode, one.lopsided) for one in found} for which, found in layers.items()}
    assert modes["paper", "pytorch"] == {("reflect", False)} and modes["nano", "pytorch"] == {("zeros", False)}
    assert modes["paper", "tf"] == modes["nano", "tf"] == {("zeros", False), ("zeros", True)}


@torch.no_grad()
def test_the_generator_gets_the_masked_image_and_its_planes(method: GMCNN, image: Tensor, hole: Tensor) -> None:
    inputs: list[Tensor] = []
    for column in method.generator.columns:
        column.register_forward_pre_hook(lambda _, given: inputs.append(given[0]))
    found = method(image * (1 - hole), hole).prediction
    planes = [hole] if inputs[0].shape[1] == 4 else [torch.ones_like(hole), hole]
    expected = torch.cat([(2 * image - 1) * (1 - hole), *planes], dim=1)
    assert len(inputs) == 3
    for given in inputs:
        torch.testing.assert_close(given, expected)
    output = method.generator((2 * image - 1) * (1 - hole), hole)
    torch.testing.assert_close(found, (output + 1) / 2)
    torch.testing.assert_close(method(torch.where(hole.bool(), 0.7, image), hole).prediction, found)


@torch.no_grad()
def test_columns_are_merged_in_order_and_the_output_is_clipped(method: GMCNN, image: Tensor, hole: Tensor) -> None:
    outputs: list[Tensor] = []
    for column in method.generator.columns:
        column.register_forward_hook(lambda _, given, found: outputs.append(found))
    method.generator.decoder[1].weight.mul_(20)
    found = method.predict(image * (1 - hole), hole)
    state = method.generator.decoder.state_dict()

    def conv(x: Tensor, name: str) -> Tensor:
        return conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    expected = conv(elu(conv(torch.cat(outputs, dim=1), "conv17")), "conv18")
    torch.testing.assert_close(found, (expected.clip(-1, 1) + 1) / 2)
    assert (found.min(), found.max()) == (0, 1) and ((found > 0) & (found < 1)).any()


@pytest.mark.parametrize("side", [3, 5])
@pytest.mark.parametrize("padding", ["reflect", "even", "same"])
@torch.no_grad()
def test_upsampling_repeats_pixels_exactly(side: int, padding) -> None:
    layer, x = UpsampledConv(3, 2, side, padding=padding).double(), torch.randn(2, 3, 6, 5, dtype=torch.float64)
    wide = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    around = pad(wide, [side // 2] * 4, "reflect" if padding == "reflect" else "constant")
    torch.testing.assert_close(layer(x), conv2d(around, layer.weight, layer.bias))


@torch.no_grad()
def test_a_batch_of_two_is_two_batches_of_one(method: GMCNN, image: Tensor, hole: Tensor) -> None:
    masked = image * (1 - hole)
    apart = torch.cat([method.predict(*one) for one in zip(masked.split(1), hole.split(1), strict=True)])
    torch.testing.assert_close(method.predict(masked, hole), apart, atol=1e-12, rtol=0)


def test_gradients_reach_every_weight_of_the_generator(method: GMCNN, image: Tensor, hole: Tensor) -> None:
    method(image * (1 - hole), hole).prediction.square().sum().backward()
    for name, parameter in method.generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


def parts(method: GMCNN) -> tuple[Any, Any]:
    """Return the global and the local discriminator."""
    return method.discriminator.global_discriminator, method.discriminator.local_discriminator


def published_sigma(weight: Tensor, u: Tensor) -> tuple[Tensor, Tensor]:
    """Return the estimate of the largest singular value after one step, and the new u."""
    matrix = weight.reshape(len(weight), -1)
    v = matrix.T @ u
    v = v / (v.norm() + 1e-12)
    u = matrix @ v
    u = u / (u.norm() + 1e-12)
    return u @ matrix @ v, u


def published_scores(part: SpectralDiscriminator, x: Tensor, side: int) -> Tensor:
    state = part.state_dict()
    for i in range(5):
        weight, bias = state[f"layers.{i}.weight_orig"], state[f"layers.{i}.bias"]
        weight = weight / published_sigma(weight, state[f"layers.{i}.weight_u"])[0]
        if i == 4:
            repeats = side // x.shape[2] if side > x.shape[2] else 1
            x = x.repeat_interleave(repeats, dim=2).repeat_interleave(repeats, dim=3)
            return linear(x.reshape(len(x), -1), weight, bias)
        x = elu(conv2d(x, weight, bias, stride=2, padding=2))
    raise AssertionError


@torch.no_grad()
def test_spectral_discriminators_are_four_halving_convolutions_and_a_score(scrambled, image: Tensor) -> None:
    whole, local = parts(scrambled())
    for part, x, side in ((whole, image, 4), (local, image[..., :32, :32], 2), (whole, image[..., :32, :32], 4)):
        torch.testing.assert_close(part(x), published_scores(part, x, side))
    widths = [layer.weight_orig.shape[0] for layer in whole.layers]
    assert widths == [layer.weight_orig.shape[0] for layer in local.layers] == [8, 16, 32, 32, 1]
    _, wide = parts(scrambled("pytorch", "image"))
    torch.testing.assert_close(wide(image), published_scores(wide, image, 4))


@torch.no_grad()
def test_spectral_norm_takes_a_step_in_every_pass(scrambled, image: Tensor) -> None:
    part, _ = parts(scrambled())
    layer = part.layers[0]
    first = layer.weight_u.clone()
    part(image)
    assert torch.equal(layer.weight_u, first)  # evaluation stores nothing, so predictions repeat
    part.train()(image)
    torch.testing.assert_close(layer.weight_u, published_sigma(layer.weight_orig, first)[1])


def published_map(critic: Any, x: Tensor, last_linear: bool) -> Tensor:
    layers = list(critic.layers)
    for place, layer in enumerate(layers, start=1):
        around = [1, 2] if x.shape[2] % 2 == 0 else [2, 2]
        x = conv2d(pad(x, around * 2), layer.weight, layer.bias, stride=2)
        x = x if last_linear and place == len(layers) else torch.maximum(x, 0.2 * x)
    return x


@torch.no_grad()
def test_critics_are_six_halving_convolutions_and_a_score(scrambled, image: Tensor) -> None:
    whole, local = parts(scrambled("tf"))
    for critic, x in ((whole, image), (local, image[..., :32, :32])):
        assert isinstance(critic, HalvingCritic)
        assert [layer.get_parameter("weight").shape[0] for layer in critic.layers] == [8, 16, 32, 64, 32, 16]
        maps = published_map(critic, x, last_linear=False)
        torch.testing.assert_close(critic(x), linear(maps.flatten(1), critic.score.weight, critic.score.bias))
    with torch.device("meta"):
        wide = parts(build("paper", 3, "tf"))
    assert [part.score.weight.shape[1] for part in wide] == [128 * 16, 128 * 4]


@torch.no_grad()
def test_the_hole_critic_averages_patches_that_touch_the_hole(scrambled) -> None:
    _, critic = parts(scrambled("tf", "image"))
    assert isinstance(critic, HoleCritic)
    assert [layer.get_parameter("weight").shape[0] for layer in critic.layers] == [8, 16, 32, 64, 1]
    image, hole = torch.randn(3, 3, 96, 64, dtype=torch.float64), torch.zeros(3, 1, 96, 64, dtype=torch.float64)
    hole[0, :, 31:34, 40] = hole[1] = 1  # of patches of 32 x 32, the second one of the first and of the second row
    maps = published_map(critic, image, last_linear=True)
    assert maps.shape == (3, 1, 3, 2) and maps[1].min() < 0
    expected = torch.zeros(3, 1, dtype=torch.float64)
    expected[0], expected[1] = maps[0, 0, :2, 1].mean(), maps[1].mean()
    torch.testing.assert_close(critic(image, hole), expected)


def test_initial_weights_follow_each_versions_rule() -> None:
    ours, tf = build("nano", 3), build("nano", 3, "tf")
    weights = torch.cat([layer.weight.flatten() for layer in convolutions(ours).values()])
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    layer = convolutions(tf)["columns.0.conv5"]
    bound = (6 / (49 * 64)) ** 0.5
    assert 0.95 * bound < layer.weight.abs().max() <= bound
    for method in (ours, tf):
        assert all(one.bias is not None and one.bias.eq(0).all() for one in convolutions(method).values())
    # spectral layers keep PyTorch's rule, biases included
    first = parts(ours)[0].layers[1]
    bound = (25 * 8) ** -0.5
    assert 0.95 * bound < first.weight_orig.abs().max() <= bound and first.bias.abs().min() > 0


@pytest.mark.parametrize("option", ["variant", "local"])
def test_an_unknown_option_is_refused(option: str) -> None:
    with pytest.raises(BadInput, match=f"There is no gmcnn.{option} 'x'"):
        build("nano", 3, **{option: "x"})
