"""Facts about the published method, one test each. Facts 2 to 5 are laws of the layers, in their own file."""

import pytest
import torch
from torch import nn

import bench_region_norm
from bench_region_norm.layers import LearnedRegionNorm
from bench_region_norm.model import RegionNorm, build


@pytest.fixture(scope="module")
def published() -> RegionNorm:
    with torch.device("meta"):
        return build("paper", 3)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_networks_have_the_published_numbers_of_parameters(published):
    assert count(published.generator) == 11_596_591 == bench_region_norm.REGION_NORM.num_parameters["paper"]
    assert len(published.generator.state_dict()) == 146 == len(list(published.generator.parameters()))
    assert count(published.discriminator) == 2_763_776
    assert len(published.discriminator.state_dict()) == 15


def test_the_generator_has_3_basic_and_18_learned_norms(published):
    assert len(published.generator.encoder.norms) == 3 and len(published.generator.blocks) == 8
    assert sum(isinstance(layer, LearnedRegionNorm) for layer in published.generator.modules()) == 18


@torch.no_grad()
def test_fact_06_outputs_are_in_zero_to_one_and_known_pixels_return_unchanged(nano, scramble, pair, make_context):
    image, hole = pair
    nano.generator.decoder.last.weight *= 1000
    prediction = scramble(nano)(image * (1 - hole), hole).prediction
    assert 0 <= prediction.min() < 0.2 and 0.8 < prediction.max() <= 1
    composite = make_context(image, prediction, hole).composite
    known = hole.expand_as(image) == 0
    assert torch.equal(composite[known], image[known]) and not torch.equal(prediction[known], image[known])


@torch.no_grad()
def test_fact_06_hidden_pixels_do_not_matter(nano, scramble, pair):
    image, hole = pair
    wanted = scramble(nano)(image * (1 - hole), hole).prediction
    assert torch.equal(nano(torch.where(hole.bool(), 0.7, image), hole).prediction, wanted)


@torch.no_grad()
def test_fact_07_training_and_evaluation_mode_predict_the_same(nano, scramble, pair):
    method = scramble(nano)
    evaluated = method(*pair).prediction
    assert torch.equal(method.train()(*pair).prediction, evaluated)


@torch.no_grad()
def test_images_of_a_batch_influence_each_other_and_the_record_says_so(nano, scramble, pair):
    image, hole = pair
    method = scramble(nano)
    alone = torch.cat([method.predict(image[i : i + 1], hole[i : i + 1]) for i in range(2)])
    assert (method.predict(image, hole) - alone).abs().max() > 0.1
    assert bench_region_norm.REGION_NORM.batch_dependent


@torch.no_grad()
def test_a_side_may_be_empty(nano, pair):
    image, _ = pair
    for hole in (torch.zeros(2, 1, 32, 48), torch.ones(2, 1, 32, 48)):
        assert nano.predict(image * (1 - hole), hole).isfinite().all()
