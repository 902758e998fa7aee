"""The loss terms against their definitions, written out from a description of the official code."""

import pytest
import torch

from bench_context_encoder import losses
from bench_context_encoder.model import build_random_region
from bench_context_encoder.recipe import MAGGIORDOMO, OFFICIAL

TERMS = {"reconstruction": losses.reconstruction, "adversarial": losses.adversarial}


@pytest.fixture
def hole() -> torch.Tensor:
    """Two holes with a ring of known pixels inside the patch: 1, 2, 0 and 3 pixels wide on its sides."""
    hole = torch.zeros(2, 1, 64, 64)
    hole[..., 17:46, 16:45] = 1
    return hole


def log_probability(method, square, real: bool):
    probability = torch.sigmoid(method.discriminator(2 * square - 1))
    return -torch.log(probability if real else 1 - probability).mean()


def test_reconstruction_is_a_plain_mean_of_weighted_squares_over_the_patch(make_context, nano, hole):
    image, prediction = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    weights = torch.full((32, 32), 10.0)
    weights[1:30, 0:29] = 1
    squares = (2 * prediction - 2 * image)[..., 16:48, 16:48] ** 2
    found = losses.reconstruction(make_context(image, prediction, hole, nano))
    torch.testing.assert_close(found, (weights * squares).sum() / (2 * 3 * 32 * 32))


@pytest.mark.parametrize(
    ("options", "known"), [({}, 1.0), ({"known_weight": 10.0}, 10.0), ({"known_weight": 0.0}, 0.0)]
)
def test_the_arbitrary_region_model_compares_the_whole_image(options, known, make_context, hole):
    method = build_random_region("nano", 3, bottleneck=40, **options)
    image, prediction = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    squares = 4 * (prediction - image) ** 2
    wanted = torch.where(hole.bool(), squares, known * squares).mean()
    torch.testing.assert_close(losses.reconstruction(make_context(image, prediction, hole, method)), wanted)


def test_adversarial_terms_are_cross_entropies_of_the_patch_alone(make_context, nano, scramble, hole):
    scramble(nano)
    image, prediction = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    true, fake = image[..., 16:48, 16:48], prediction[..., 16:48, 16:48]
    ctx = make_context(image, prediction, hole, nano)
    torch.testing.assert_close(losses.adversarial(ctx), log_probability(nano, fake, True))
    wanted = log_probability(nano, true, True) + log_probability(nano, fake, False)
    torch.testing.assert_close(losses.discriminator(ctx), wanted)


def test_the_arbitrary_region_model_is_scored_on_its_whole_prediction(make_context, random_region, scramble, hole):
    scramble(random_region)
    image, prediction = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64)
    ctx = make_context(image, prediction, hole, random_region)
    torch.testing.assert_close(losses.adversarial(ctx), log_probability(random_region, prediction, True))
    wanted = log_probability(random_region, image, True) + log_probability(random_region, prediction, False)
    torch.testing.assert_close(losses.discriminator(ctx), wanted)


def test_a_confident_discriminator_leaves_the_generator_a_gradient(make_context, nano, centre_hole):
    """The logarithm of a probability that rounds to 0 would have none."""
    prediction = torch.rand(1, 3, 64, 64, requires_grad=True)
    discriminator = nano.eval().discriminator
    with torch.no_grad():
        discriminator.get_parameter("score.weight").mul_(-200 / discriminator(nano.patch(2 * prediction - 1)))
    found = losses.adversarial(make_context(torch.rand(1, 3, 64, 64), prediction, centre_hole[:1], nano))
    assert found.item() == pytest.approx(200, rel=1e-4)
    found.backward()
    assert prediction.grad is not None and prediction.grad.isfinite().all() and prediction.grad.abs().sum() > 0


@pytest.mark.parametrize("term", TERMS)
def test_each_term_of_the_generator_reaches_all_its_weights(term, make_context, nano, centre_hole):
    image = torch.rand(2, 3, 64, 64)
    prediction = nano.train()(image * (1 - centre_hole), centre_hole).prediction
    TERMS[term](make_context(image, prediction, centre_hole, nano)).backward()
    for name, parameter in nano.generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all() and parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(("recipe", "slow", "fast"), [(OFFICIAL, 2e-4, 2e-3), (MAGGIORDOMO, 1e-4, 1e-3)])
def test_the_recipes_are_those_published(recipe, slow, fast):
    ((discriminator, generator),) = recipe.phases[0].rounds
    assert (discriminator.network, generator.network) == ("discriminator", "generator")
    assert dict(discriminator.losses) == {"discriminator": 1}
    assert dict(generator.losses) == {"reconstruction": 0.999, "adversarial": 0.001}
    rates = [update.optimiser.settings["lr"] for update in (discriminator, generator)]
    assert rates == pytest.approx([slow, fast])
    assert all(update.optimiser.settings["betas"] == (0.5, 0.999) for update in recipe.phases[0].updates)
    assert recipe.batch == 64
