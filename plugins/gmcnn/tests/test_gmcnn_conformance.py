"""Numbers of the published method: each test states a fact that an implementation must reproduce."""

from itertools import pairwise

import pytest
import torch
from torch import nn

import bench_gmcnn
from bench_core.errors import BadInput
from bench_gmcnn import losses
from bench_gmcnn.confidence import confidence, kernel
from bench_gmcnn.id_mrf import id_mrf, vectors
from bench_gmcnn.model import GMCNN, MIN_SIDE, Generator, build
from bench_gmcnn.recipe import RECIPE, TF_RECIPE
from bench_gmcnn.wiring import WIRINGS

MODELS = {model.options["variant"]: model for model in bench_gmcnn.bench_models()}


def published(variant: str, local: str = "crop") -> GMCNN:
    with torch.device("meta"):
        return build("paper", 3, variant, local)


def count(*modules: nn.Module) -> int:
    return sum(parameter.numel() for module in modules for parameter in module.parameters())


def test_fact_01_the_pytorch_version_has_its_number_of_parameters() -> None:
    method = published("pytorch")
    assert count(method.generator) == MODELS["pytorch"].num_parameters["paper"] == 12_561_891
    assert [count(column) for column in method.generator.columns] == [7_132_576, 3_947_040, 1_449_568]
    assert count(method.generator.decoder) == 32_707
    assert len(method.generator.state_dict()) == 88
    assert count(method.discriminator) == 5_417_730
    assert sum(value.numel() for value in method.discriminator.state_dict().values()) == 5_523_610
    wide = published("pytorch", "image").discriminator.local_discriminator
    assert wide.get_parameter("layers.4.weight_orig").shape == (1, 65_536)


def test_fact_01_the_tensorflow_version_has_its_number_of_parameters() -> None:
    method = published("tf")
    assert count(method.generator) == MODELS["tf"].num_parameters["paper"] == 12_429_107
    assert len(method.generator.state_dict()) == 88
    assert count(method.discriminator) == 16_808_450
    assert count(published("tf", "image").discriminator) == 12_724_354


def test_fact_01_the_small_generator_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        assert count(build("nano", 3).generator) == MODELS["pytorch"].num_parameters["nano"] == 787_995


def test_fact_01_columns_are_merged_in_224_or_208_channels() -> None:
    merged = {variant: published(variant).generator.decoder[0].weight.shape for variant in WIRINGS}
    assert merged == {"pytorch": (16, 224, 3, 3), "tf": (16, 208, 3, 3)}
    inputs = {variant: published(variant).generator.columns[0][0].weight.shape[1] for variant in WIRINGS}
    assert inputs == {"pytorch": 4, "tf": 5}


@torch.no_grad()
def test_fact_02_mirroring_needs_196_pixels() -> None:
    generator = Generator(2, 3, WIRINGS["pytorch"])
    masked, hole = torch.rand(1, 3, 200, 196), torch.zeros(1, 1, 200, 196)
    assert generator(masked, hole).shape == masked.shape
    for height, width in ((196, 192), (192, 196)):
        with pytest.raises(BadInput, match=f"{height} x {width} pixels.* 196 or more"):
            generator(masked[..., :height, :width], hole[..., :height, :width])
    assert MODELS["pytorch"].min_size == {"paper": MIN_SIDE} and not MODELS["tf"].min_size


def test_fact_03_confidence_falls_from_the_border_of_the_hole_to_its_middle() -> None:
    hole = torch.zeros(1, 1, 256, 256)
    hole[..., 64:192, 64:192] = 1
    rounds = [confidence(hole, 65, 1 / 40, n, mirrored=True) for n in range(1, 8)]
    means = [one[..., 64:192, 64:192].mean().item() for one in rounds]
    assert means == pytest.approx([0.2377, 0.3783, 0.4820, 0.5638, 0.6307, 0.6867, 0.7338], abs=5e-5)
    last = rounds[-1][0, 0]
    places = last[128, 128].item(), last[64, 128].item(), last[64, 64].item()
    assert places == pytest.approx((0.4952, 0.8509, 0.9559), abs=5e-4)
    assert (last * (1 - hole)).eq(0).all()


def test_fact_03_the_kernel_is_nearly_a_box() -> None:
    weights = kernel(65, 1 / 40)
    assert sum(weights) == pytest.approx(1) and weights == pytest.approx(weights[::-1])
    assert all(before <= after for before, after in pairwise(weights[:33]))
    assert (max(weights) / min(weights)) ** 2 == pytest.approx(1.0005, abs=5e-5)


def test_fact_04_id_mrf_of_identical_inputs_is_nearly_zero_and_never_negative() -> None:
    same, other = (vectors(torch.randn(2, 16, 6, 5)) for _ in range(2))
    assert id_mrf(same, same).tolist() == pytest.approx([0, 0], abs=1e-4)
    assert (id_mrf(same, other) > 0.5).all()


@pytest.mark.parametrize("recipe", [RECIPE, TF_RECIPE])
def test_fact_05_the_first_phase_touches_neither_vgg_nor_discriminators(recipe) -> None:
    first, _ = recipe.phases
    assert [(update.network, set(update.losses)) for update in first.updates] == [
        ("generator", {"reconstruction", "autoencoding"})
    ]


@pytest.mark.parametrize("term", [losses.reconstruction, losses.tf_reconstruction])
def test_fact_06_the_gradient_of_reconstruction_is_zero_outside_the_hole(term, make_context, image, hole) -> None:
    prediction = torch.rand_like(image).requires_grad_()
    term(make_context(image, hole, prediction)).backward()
    assert prediction.grad is not None
    inside = hole.bool().expand_as(image)
    assert prediction.grad[~inside].eq(0).all() and prediction.grad[inside].ne(0).all()


def test_fact_07_discriminators_take_five_steps_before_each_of_the_generators() -> None:
    networks = [[update.network for update in one_round] for one_round in RECIPE.phases[1].rounds]
    assert networks == [["discriminator"] * 5 + ["generator"]]  # all share one batch
    networks = [[update.network for update in one_round] for one_round in TF_RECIPE.phases[1].rounds]
    assert networks == [["discriminator"]] * 5 + [["generator"]]  # each has its own batch


def test_fact_08_the_last_layers_of_the_discriminators_have_unit_length(scrambled) -> None:
    method = scrambled()
    for part in (method.discriminator.global_discriminator, method.discriminator.local_discriminator):
        assert part.layers[-1].normalised_weight().norm().item() == pytest.approx(1)
