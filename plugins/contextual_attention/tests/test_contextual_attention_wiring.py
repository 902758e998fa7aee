"""The networks' structure. Each test fails when a connection moves, even if no parameter count changes."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, elu_, linear, pad, relu

from bench_contextual_attention.layers import Conv
from bench_contextual_attention.model import DeepFill, build
from bench_contextual_attention.wiring import clip
from bench_core.nn.conv import PaddedConv2d
from bench_core.nn.discriminators import HalvingCritic

# name: input channels, output channels, kernel, stride, dilation; "x2" in place of a stride upsamples
DILATED = "7_atrous 128 128 3 1 2, 8_atrous 128 128 3 1 4, 9_atrous 128 128 3 1 8, 10_atrous 128 128 3 1 16"
DECODER = (
    "11 {} 128 3 1 1, 12 128 128 3 1 1, 13_upsample 128 64 3 x2 1, 14 64 64 3 1 1, 15_upsample 64 32 3 x2 1, "
    "16 32 16 3 1 1, 17 16 3 3 1 1"
)
PUBLISHED = {
    "coarse conv": "1 5 32 5 1 1, 2_downsample 32 64 3 2 1, 3 64 64 3 1 1, 4_downsample 64 128 3 2 1, "
    f"5 128 128 3 1 1, 6 128 128 3 1 1, {DILATED}, {DECODER.format(128)}",
    "refinement.dilated xconv": "1 5 32 5 1 1, 2_downsample 32 32 3 2 1, 3 32 64 3 1 1, 4_downsample 64 64 3 2 1, "
    f"5 64 128 3 1 1, 6 128 128 3 1 1, {DILATED}",
    "refinement.before pmconv": "1 5 32 5 1 1, 2_downsample 32 32 3 2 1, 3 32 64 3 1 1, 4_downsample 64 128 3 2 1, "
    "5 128 128 3 1 1, 6 128 128 3 1 1",
    "refinement.after pmconv": "9 128 128 3 1 1, 10 128 128 3 1 1",
    "refinement.merged allconv": DECODER.format(256),
}
OUTPUTS = ["coarse.conv17", "refinement.merged.allconv17"]


class Probe:
    """Records the inputs and the output of a module's last call."""

    def __init__(self, module: nn.Module) -> None:
        self.inputs: tuple[Tensor, ...] = ()
        self.output = torch.empty(0)
        module.register_forward_hook(self._record)

    def _record(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.inputs, self.output = inputs, output


def test_every_layer_is_as_published_and_in_order() -> None:
    with torch.device("meta"):
        generator = build("paper", 3).generator
    names = []
    for place, rows in PUBLISHED.items():
        path, prefix = place.split()
        for row in rows.split(", "):
            suffix, before, after, kernel_size, stride, dilation = row.split()
            layer = generator.get_submodule(f"{path}.{prefix}{suffix}")
            assert isinstance(layer, Conv)
            assert (layer.in_channels, layer.out_channels) == (int(before), int(after))
            assert layer.kernel_size == (int(kernel_size),) * 2
            assert layer.dilation == (int(dilation),) * 2
            assert (layer.upsample, layer.stride[0]) == ((True, 1) if stride == "x2" else (False, int(stride)))
            names.append(f"{path}.{prefix}{suffix}")
    assert [name for name, layer in generator.named_modules() if isinstance(layer, PaddedConv2d)] == names


def test_the_small_method_has_the_same_layers_narrower(method: DeepFill) -> None:
    with torch.device("meta"):
        paper = build("paper", 3).state_dict()
    small = method.state_dict()
    assert list(paper) == list(small)
    fixed = {3, 5, 1}  # colours, colours with ones and hole, score
    for name, value in small.items():
        assert value.shape[2:] == paper[name].shape[2:]
        sizes = zip(paper[name].shape[:1], value.shape[:1], strict=True)
        assert all(wide == 4 * narrow or wide == narrow in fixed for wide, narrow in sizes), name


def test_all_layers_have_elu_but_the_one_before_attention_and_the_outputs(method: DeepFill) -> None:
    activations = {n: m.activation for n, m in method.generator.named_modules() if isinstance(m, Conv)}
    assert activations.pop("refinement.before.pmconv6") is relu
    assert [activations.pop(name) for name in OUTPUTS] == [clip, clip]
    assert set(activations.values()) == {elu_}


@torch.no_grad()
def test_the_first_stage_gets_image_ones_and_hole(method: DeepFill, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = pair
    first = Probe(method.generator.coarse)
    method(masked, hole)
    expected = torch.cat([(2 * masked - 1) * (1 - hole), torch.ones_like(hole), hole], dim=1)
    torch.testing.assert_close(first.inputs[0], expected)
    assert (first.inputs[0][:, :3] * hole).abs().max() == 0


@torch.no_grad()
def test_the_second_stage_gets_the_filled_image_ones_and_hole(method: DeepFill, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = pair
    refinement = method.generator.refinement
    dilated, before, first = Probe(refinement.dilated), Probe(refinement.before), Probe(method.generator.coarse)
    method(masked, hole)
    filled = first.output * hole + (2 * masked - 1) * (1 - hole)
    for branch in (dilated, before):
        torch.testing.assert_close(branch.inputs[0], torch.cat([filled, torch.ones_like(hole), hole], dim=1))


@torch.no_grad()
def test_branches_are_concatenated_behind_attention(method: DeepFill, pair: tuple[Tensor, Tensor]) -> None:
    refinement = method.generator.refinement
    probes = {name: Probe(module) for name, module in refinement.named_children()}
    output = method(*pair)
    features, hole = probes["attention"].inputs
    assert features is probes["before"].output and hole is pair[1]
    assert features.min() == 0
    assert probes["after"].inputs[0] is probes["attention"].output
    both = torch.cat([probes["dilated"].output, probes["after"].output], dim=1)
    assert torch.equal(probes["merged"].inputs[0], both)
    assert torch.equal(output.prediction, (probes["merged"].output + 1) / 2)


def test_gradients_of_the_second_stage_reach_every_weight(method: DeepFill, pair: tuple[Tensor, Tensor]) -> None:
    method(*pair).prediction.sum().backward()
    for name, parameter in method.generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().max() > 0, name


@torch.no_grad()
def test_outputs_are_converted_to_0_to_1(method: DeepFill, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = pair
    coarse, refined = method.generator((2 * masked - 1) * (1 - hole), hole)
    output = method(masked, hole)
    torch.testing.assert_close(output.prediction * 2 - 1, refined)
    assert output.coarse is not None
    torch.testing.assert_close(output.coarse * 2 - 1, coarse)
    assert torch.equal(method.predict(masked, hole), output.prediction)


@torch.no_grad()
def test_a_batch_of_two_is_two_batches_of_one(method: DeepFill, pair: tuple[Tensor, Tensor]) -> None:
    together = method.predict(*pair)
    apart = torch.cat([method.predict(*one) for one in zip(*(plane.split(1) for plane in pair), strict=True)])
    torch.testing.assert_close(together, apart, atol=1e-12, rtol=0)


def published_maps(critic: HalvingCritic, x: Tensor) -> Tensor:
    for layer in critic.layers:
        assert isinstance(layer, PaddedConv2d)
        x = conv2d(pad(x, (1, 2, 1, 2)), layer.weight, layer.bias, stride=2)
        x = torch.maximum(x, 0.2 * x)
    return x


@pytest.mark.parametrize(("name", "side", "widths"), [("global", 64, (1, 2, 4, 4)), ("local", 32, (1, 2, 4, 8))])
@torch.no_grad()
def test_a_critic_is_four_strided_convolutions_and_a_score(
    method: DeepFill, name: str, side: int, widths: tuple[int, ...]
) -> None:
    critic = method.get_submodule(f"{name}_critic")
    assert isinstance(critic, HalvingCritic)
    image = torch.randn(2, 3, side, side, dtype=torch.float64)
    maps = published_maps(critic, image)
    assert [layer.get_parameter("weight").shape[0] for layer in critic.layers] == [16 * width for width in widths]
    assert maps.shape[2:] == (side // 16, side // 16)
    wanted = linear(maps.flatten(1), critic.score.weight, critic.score.bias)
    torch.testing.assert_close(critic(image), wanted)


@torch.no_grad()
def test_at_other_sizes_a_critics_last_map_is_averaged(method: DeepFill) -> None:
    critic, image = method.global_critic, torch.randn(2, 3, 128, 32, dtype=torch.float64)
    assert isinstance(critic, HalvingCritic)
    maps = published_maps(critic, image)
    assert maps.shape[2:] == (8, 2)
    averaged = maps.unflatten(2, (4, 2)).mean(dim=3).repeat_interleave(2, dim=3)
    wanted = linear(averaged.flatten(1), critic.score.weight, critic.score.bias)
    torch.testing.assert_close(critic(image), wanted)


def test_critics_start_from_glorots_rule() -> None:
    critic = build("nano", 3).local_critic
    for weight in (critic.get_parameter("layers.3.weight"), critic.get_parameter("score.weight")):
        area = weight[0, 0].numel() if weight.dim() == 4 else 1
        bound = (6 / (area * (weight.shape[0] + weight.shape[1]))) ** 0.5
        assert 0.95 * bound < weight.abs().max() <= bound
    assert all(value.eq(0).all() for name, value in critic.named_parameters() if name.endswith("bias"))
