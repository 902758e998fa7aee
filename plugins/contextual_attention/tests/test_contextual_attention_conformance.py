"""Numbers of the published method: each test states a fact that an implementation must reproduce."""

import pytest
import torch
from torch import Tensor, nn

from bench_contextual_attention import CONTEXTUAL_ATTENTION
from bench_contextual_attention.losses import discount
from bench_contextual_attention.model import DeepFill, build
from bench_contextual_attention.recipe import RECIPE
from bench_core.methods import composite
from bench_core.nn.contextual_attention import (
    ContextualAttention,
    attend,
    fuse,
    match,
    nearest_indices,
    shrink,
    usable_keys,
)
from bench_core.nn.conv import same_padding


def num_parameters(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


@pytest.fixture(scope="module")
def published() -> DeepFill:
    with torch.device("meta"):
        return build("paper", 3)


def test_fact_01_networks_have_the_published_number_of_parameters(published: DeepFill) -> None:
    stage_2 = published.generator.refinement
    assert num_parameters(published.generator) == CONTEXTUAL_ATTENTION.num_parameters["paper"] == 3_601_542
    assert num_parameters(published.generator.coarse) == 1_448_227
    assert num_parameters(stage_2.dilated) == 880_480
    assert num_parameters(stage_2.before, stage_2.after) == 695_968
    assert num_parameters(stage_2.merged) == 576_867
    assert num_parameters(published.local_critic) == 4_339_329
    assert num_parameters(published.global_critic) == 2_733_441


def test_fact_01_the_small_generator_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        small = build("nano", 3).generator
    stage_2 = small.refinement
    assert num_parameters(small) == CONTEXTUAL_ATTENTION.num_parameters["nano"] == 228_198
    assert num_parameters(small.coarse) == 91_627
    assert num_parameters(stage_2.dilated) == 55_960
    assert num_parameters(stage_2.before, stage_2.after) == 44_392
    assert num_parameters(stage_2.merged) == 36_219


def test_fact_02_the_critics_last_layers_see_16_x_16_and_8_x_8_values(published: DeepFill) -> None:
    assert published.global_critic.get_parameter("score.weight").shape == (1, 256 * 16 * 16)
    assert published.local_critic.get_parameter("score.weight").shape == (1, 512 * 8 * 8)


@pytest.mark.parametrize("size", [(8, 8), (8, 24), (40, 16)])
@torch.no_grad()
def test_fact_02_outputs_are_clipped_and_known_pixels_are_exact(method: DeepFill, size: tuple[int, int]) -> None:
    for name in ("coarse.conv17", "refinement.merged.allconv17"):
        method.generator.get_submodule(name).get_parameter("weight").mul_(20)
    hole = torch.zeros(1, 1, *size, dtype=torch.float64)
    hole[..., :4, 2:8] = 1
    image = torch.rand(1, 3, *size, dtype=torch.float64)
    output = method(image * (1 - hole), hole)
    for stage in (output.coarse, output.prediction):
        assert stage.shape == image.shape
        assert (stage.min(), stage.max()) == (0, 1)
        assert ((stage > 0) & (stage < 1)).any()
    known = (hole == 0).expand_as(image)
    assert torch.equal(composite(image, hole, output.prediction)[known], image[known])


def weights_of(features: Tensor, hole: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weights of all keys for all queries, and the usable keys; features and hole are 64 x 64."""
    small = shrink(features, (32, 32), align_corners=True)
    usable = usable_keys(shrink(hole, (32, 32), align_corners=True))
    return attend(fuse(match(small, small), 32), usable, "zero"), usable


@torch.no_grad()
def test_fact_03_without_a_hole_attention_copies_every_patch_from_itself() -> None:
    features = torch.randn(1, 16, 64, 64)
    rebuilt = ContextualAttention()(features, torch.zeros(1, 1, 256, 256))
    inner = (..., slice(4, -4), slice(4, -4))
    torch.testing.assert_close(rebuilt[inner], features[inner], atol=1e-5, rtol=0)
    weights, _ = weights_of(features, torch.zeros(1, 1, 64, 64))
    torch.testing.assert_close(weights.sum(dim=2), torch.ones(1, 1024))
    assert torch.equal(weights.argmax(dim=2), torch.arange(1024)[None])


@torch.no_grad()
def test_fact_04_attention_over_nothing_but_hole_is_exactly_zero() -> None:
    features = torch.randn(1, 16, 64, 64)
    assert torch.equal(ContextualAttention()(features, torch.ones(1, 1, 256, 256)), torch.zeros_like(features))


@torch.no_grad()
def test_fact_05_patches_in_the_hole_take_their_share_of_the_weight_with_them() -> None:
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 16:48, 16:48] = 1
    weights, usable = weights_of(torch.zeros(1, 8, 64, 64), hole)
    assert (usable == 0).sum() == 324
    torch.testing.assert_close(weights.sum(dim=2), torch.full((1, 1024), 700 / 1024))


def test_fact_06_the_discount_has_its_published_values() -> None:
    weights = discount(128, 128, torch.device("cpu"))
    assert weights.shape == (128, 128)
    assert weights[0, 0] == 1
    assert weights[127, 127].item() == pytest.approx(0.9)
    assert weights[64, 64].item() == pytest.approx(0.0011790, abs=1e-7)
    assert weights.mean().item() == pytest.approx(0.252921, abs=1e-6)
    assert weights[127, 0] == weights[0, 64] == 1 and weights[64, 127].item() == pytest.approx(0.9)


def test_fact_07_shrinking_and_padding_keep_the_published_pixels() -> None:
    assert nearest_indices(64, 32, True) == tuple(2 * i if i <= 15 else 2 * i + 1 for i in range(32))
    assert nearest_indices(256, 64, True) == tuple(4 * i + (2 * i + 21) // 42 for i in range(64))
    assert (same_padding(256, 3, 2), same_padding(256, 5, 2)) == ((0, 1), (1, 2))


def test_fact_07_one_step_of_shrinking_the_hole_keeps_other_pixels() -> None:
    two_steps = [nearest_indices(256, 64, True)[i] for i in nearest_indices(64, 32, True)]
    assert list(nearest_indices(256, 32, True)) != two_steps


def test_fact_08_critics_are_updated_five_times_before_the_generator() -> None:
    (phase,) = RECIPE.phases
    networks = [[update.network for update in one_round] for one_round in phase.rounds]
    assert networks == [["global_critic", "local_critic"]] * 5 + [["generator"]]  # every round has its own batch


def test_fact_09_holes_are_shrunk_by_the_index_rule() -> None:
    columns = torch.arange(64.0).expand(1, 1, 64, 64)
    kept = shrink(columns, (32, 32), align_corners=True)[0, 0, 0].int().tolist()
    assert kept == [*range(0, 32, 2), *range(33, 64, 2)]


def test_fact_10_networks_have_the_published_number_of_tensors(published: DeepFill) -> None:
    networks = (published.generator, published.global_critic, published.local_critic)
    assert [len(network.state_dict()) for network in networks] == [84, 10, 10]
