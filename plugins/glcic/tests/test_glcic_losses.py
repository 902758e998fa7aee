"""The loss terms against numbers worked out by hand, and their inputs to the discriminator."""

from math import log

import pytest
import torch

from bench_core.nn.hole_crops import centred_corners, crop
from bench_core.specs import resolve
from bench_glcic import losses

REAL, FAKE = torch.tensor([[0.0], [log(3)]]), torch.tensor([[log(1 / 3)], [log(9)]])
"""Logits of the probabilities 1/2 and 3/4, and of 1/4 and 9/10."""


@pytest.mark.parametrize(
    ("term", "scores", "wanted"),
    [
        ("adversarial", (FAKE,), -(log(0.25) + log(0.9)) / 2),
        ("discriminator", (REAL, FAKE), -(log(0.5) + log(0.75)) / 2 - (log(0.75) + log(0.1)) / 2),
        ("squared_adversarial", (FAKE,), (0.75**2 + 0.1**2) / 2),
        ("squared_real", (REAL,), (0.5**2 + 0.25**2) / 2),
        ("squared_fake", (FAKE,), (0.25**2 + 0.9**2) / 2),
    ],
)
def test_adversarial_terms(term, scores, wanted, pair, make_context, fixed_discriminator):
    image, hole = pair
    ctx = make_context(image, 1 - image, hole, torch.nn.Module())
    ctx.method.discriminator = discriminator = fixed_discriminator(*scores)
    assert getattr(losses, term)(ctx).item() == pytest.approx(wanted, rel=1e-5)
    other_holes = hole[[1, 0]]
    real = (image, crop(image, centred_corners(other_holes)))
    composite = torch.where(hole.bool(), 1 - image, image)
    fake = (composite, crop(composite, centred_corners(hole)))
    expected = {"discriminator": [real, fake], "squared_real": [real]}.get(term, [fake])
    for given, wanted_inputs in zip(discriminator.inputs, expected, strict=True):
        assert all(torch.equal(*one) for one in zip(given, wanted_inputs, strict=True))


def test_a_confident_discriminator_leaves_a_gradient(make_context, fixed_discriminator, pair):
    image, hole = pair
    logit = torch.full((2, 1), -200.0, requires_grad=True)
    ctx = make_context(image, image, hole, torch.nn.Module())
    ctx.method.discriminator = fixed_discriminator(logit)
    value = losses.adversarial(ctx)
    value.backward()
    assert value.item() == pytest.approx(200)
    assert logit.grad is not None and logit.grad.sum().item() == pytest.approx(-1)


def test_a_perfect_prediction_costs_nothing_and_known_pixels_have_no_gradient(make_context, pair):
    image, hole = pair
    prediction = image.clone().requires_grad_()
    assert losses.mse(make_context(image, prediction, hole)) == 0
    losses.mse(make_context(image, prediction + 0.1, hole)).backward()
    known = hole.expand_as(image) == 0
    assert prediction.grad is not None and prediction.grad[known].eq(0).all() and prediction.grad[~known].ne(0).all()


def test_every_term_of_a_recipe_belongs_to_its_model(models):
    for model in models.values():
        assert model.recipe is not None
        used = {name for phase in model.recipe.phases for update in phase.updates for name in update.losses}
        assert used == {loss.name for loss in model.losses}
        assert all(callable(resolve(loss.term)) for loss in model.losses)


def test_a_step_of_the_report(nano, pair, models, take_step):
    (phase,) = models["glcic:cifar10"].recipe.phases
    order = [(update.network, *update.losses) for update in phase.updates]
    assert order == [
        ("generator", "mse"), ("discriminator", "real"), ("discriminator", "fake"), ("generator", "adversarial")
    ]  # fmt: skip
    before = {name: value.clone() for name, value in nano.named_parameters()}
    take_step(nano, models["glcic:cifar10"], phase, *pair)
    learned = [name for name in before if name.endswith("weight")]
    assert all(not torch.equal(nano.get_parameter(name), before[name]) for name in learned)
