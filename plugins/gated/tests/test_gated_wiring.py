"""The networks' structure. Each test fails when a connection moves, even if no parameter count changes."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import elu, relu

from bench_core.nn.conv import PaddedConv2d
from bench_gated.layers import GatedConv2d
from bench_gated.model import Gated, build

# name: input channels, true output channels, kernel, stride, dilation; "x2" in place of a stride upsamples
DECODER = (
    "11 {} 96 3 1 1, 12 96 96 3 1 1, 13_upsample 96 48 3 x2 1, 14 48 48 3 1 1, 15_upsample 48 24 3 x2 1, 16 24 12 3 1 1"
)
DILATED = "7_atrous 96 96 3 1 2, 8_atrous 96 96 3 1 4, 9_atrous 96 96 3 1 8, 10_atrous 96 96 3 1 16"
PUBLISHED = {
    "coarse conv": "1 5 24 5 1 1, 2_downsample 24 48 3 2 1, 3 48 48 3 1 1, 4_downsample 48 96 3 2 1, 5 96 96 3 1 1, "
    f"6 96 96 3 1 1, {DILATED}, {DECODER.format(96)}",
    "refinement.dilated xconv": "1 3 24 5 1 1, 2_downsample 24 24 3 2 1, 3 24 48 3 1 1, 4_downsample 48 48 3 2 1, "
    f"5 48 96 3 1 1, 6 96 96 3 1 1, {DILATED}",
    "refinement.before pmconv": "1 3 24 5 1 1, 2_downsample 24 24 3 2 1, 3 24 48 3 1 1, 4_downsample 48 96 3 2 1, "
    "5 96 96 3 1 1, 6 96 96 3 1 1",
    "refinement.after pmconv": "9 96 96 3 1 1, 10 96 96 3 1 1",
    "refinement.merged allconv": DECODER.format(192),
}


class Probe:
    """Records the inputs and the output of a module's last call."""

    def __init__(self, module: nn.Module) -> None:
        self.inputs: tuple[Tensor, ...] = ()
        self.output = torch.empty(0)
        module.register_forward_hook(self._record)

    def _record(self, module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.inputs, self.output = inputs, output


@pytest.fixture
def method() -> Gated:
    torch.manual_seed(0)
    return build("nano", 3).eval()


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two images of 32 x 56 with a hole each."""
    torch.manual_seed(1)
    hole = torch.zeros(2, 1, 32, 56)
    hole[0, :, 8:20, 8:20] = hole[1, :, 0:9, 30:56] = 1
    return torch.rand(2, 3, 32, 56) * (1 - hole), hole


def test_every_layer_is_as_published() -> None:
    generator = build("paper", 3).generator
    names = []
    for place, rows in PUBLISHED.items():
        path, prefix = place.split()
        for row in rows.split(", "):
            suffix, before, after, kernel_size, stride, dilation = row.split()
            layer = generator.get_submodule(f"{path}.{prefix}{suffix}")
            assert isinstance(layer, GatedConv2d)
            assert (layer.in_channels, layer.out_channels) == (int(before), 2 * int(after))
            assert layer.kernel_size == (int(kernel_size),) * 2
            assert layer.dilation == (int(dilation),) * 2
            assert (layer.upsample, layer.stride[0]) == ((True, 1) if stride == "x2" else (False, int(stride)))
            names.append(f"{path}.{prefix}{suffix}")
    plain = ["coarse.conv17", "refinement.merged.allconv17"]
    for name in plain:
        layer = generator.get_submodule(name)
        assert type(layer) is PaddedConv2d and (layer.in_channels, layer.out_channels) == (12, 3)
    assert {name for name, layer in generator.named_modules() if isinstance(layer, PaddedConv2d)} == {*names, *plain}


def test_the_small_method_has_the_same_layers_narrower(method: Gated) -> None:
    paper = build("paper", 3).state_dict()
    nano = method.state_dict()
    assert list(paper) == list(nano)
    assert all(small.shape[2:] == paper[name].shape[2:] for name, small in nano.items())
    assert sum(small.numel() for small in nano.values()) < sum(p.numel() for p in paper.values()) / 14


def test_only_pmconv6_has_a_relu(method: Gated) -> None:
    activations = {n: m.activation for n, m in method.generator.named_modules() if isinstance(m, GatedConv2d)}
    assert activations.pop("refinement.before.pmconv6") is relu
    assert set(activations.values()) == {elu}


@torch.no_grad()
def test_pmconv6_has_no_negative_features(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    before = method.generator.refinement.before
    pmconv5, pmconv6 = Probe(before.get_submodule("pmconv5")), Probe(before.get_submodule("pmconv6"))
    method(*pair)
    assert pmconv5.output.min() < 0 <= pmconv6.output.min()


@torch.no_grad()
def test_the_first_stage_gets_image_ones_and_hole(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = pair
    first = Probe(method.generator.coarse)
    method(masked, hole)
    valid = 1 - hole
    expected = torch.cat([(2 * masked - 1) * valid, torch.ones_like(hole), hole], dim=1)
    torch.testing.assert_close(first.inputs[0], expected)
    assert (first.inputs[0][:, :3] * hole).abs().max() == 0


@torch.no_grad()
def test_the_second_stage_gets_the_filled_image_and_no_hole(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = pair
    refinement = method.generator.refinement
    dilated, before, first = Probe(refinement.dilated), Probe(refinement.before), Probe(method.generator.coarse)
    method(masked, hole)
    expected = first.output * hole + (2 * masked - 1) * (1 - hole)
    for branch in (dilated, before):
        assert branch.inputs[0].shape[1] == 3
        torch.testing.assert_close(branch.inputs[0], expected)


@torch.no_grad()
def test_branches_are_concatenated_behind_attention(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    refinement = method.generator.refinement
    probes = {name: Probe(module) for name, module in refinement.named_children()}
    output = method(*pair)
    features, hole = probes["attention"].inputs
    assert features is probes["before"].output and hole is pair[1]
    assert probes["after"].inputs[0] is probes["attention"].output
    both = torch.cat([probes["dilated"].output, probes["after"].output], dim=1)
    assert torch.equal(probes["merged"].inputs[0], both)
    assert torch.equal(output.prediction, (probes["merged"].output + 1) / 2)


def test_gradients_of_the_second_stage_reach_the_first(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    method(*pair).prediction.sum().backward()
    weight = method.generator.coarse.get_submodule("conv1").weight
    assert isinstance(weight, Tensor) and weight.grad is not None and weight.grad.abs().max() > 0


@torch.no_grad()
def test_outputs_are_converted_to_0_to_1(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = pair
    coarse, refined = method.generator((2 * masked - 1) * (1 - hole), hole)
    output = method(masked, hole)
    torch.testing.assert_close(output.prediction * 2 - 1, refined)
    torch.testing.assert_close(output.coarse * 2 - 1, coarse)
    assert output.prediction.shape == masked.shape


@torch.no_grad()
def test_outputs_saturate_in_tanh(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    for name in ("coarse.conv17", "refinement.merged.allconv17"):
        layer = method.generator.get_submodule(name)
        assert isinstance(layer, PaddedConv2d) and layer.bias is not None
        layer.weight.zero_()
        layer.bias.fill_(0.5)
    output = method(*pair)
    expected = torch.full_like(output.prediction, (torch.tensor(0.5).tanh().item() + 1) / 2)
    torch.testing.assert_close(output.prediction, expected)
    torch.testing.assert_close(output.coarse, expected)


@torch.no_grad()
def test_a_batch_of_two_is_two_batches_of_one(method: Gated, pair: tuple[Tensor, Tensor]) -> None:
    masked, hole = (plane.double() for plane in pair)  # untrained attention adds too little for single precision
    together = method.double().predict(masked, hole)
    apart = torch.cat([method.predict(masked[i : i + 1], hole[i : i + 1]) for i in range(2)])
    torch.testing.assert_close(together, apart, atol=1e-12, rtol=0)


@pytest.mark.parametrize("size", [(8, 8), (8, 16), (40, 24)])
@torch.no_grad()
def test_every_multiple_of_8_is_accepted(method: Gated, size: tuple[int, int]) -> None:
    hole = torch.zeros(1, 1, *size)
    hole[..., :4, :4] = 1
    assert method.predict(torch.rand(1, 3, *size) * (1 - hole), hole).shape == (1, 3, *size)
