"""The loss terms against numbers worked out by hand, and what each of them shows the discriminator."""

from math import log

import pytest
import torch

from bench_core.specs import resolve
from bench_glcic import losses
from bench_glcic.windows import around

REAL, FAKE = torch.tensor([[0.0], [log(3)]]), torch.tensor([[log(1 / 3)], [log(9)]])
"""Logits of the probabilities 1/2 and 3/4, and of 1/4 and 9/10."""


@pytest.mark.parametrize(
    ("term", "answers", "wanted"),
    [
        ("adversarial", (FAKE,), -(log(0.25) + log(0.9)) / 2),
        ("discriminator", (REAL, FAKE), -(log(0.5) + log(0.75)) / 2 - (log(0.75) + log(0.1)) / 2),
        ("squared_adversarial", (FAKE,), (0.75**2 + 0.1**2) / 2),
        ("squared_real", (REAL,), (0.5**2 + 0.25**2) / 2),
        ("squared_fake", (FAKE,), (0.25**2 + 0.9**2) / 2),
    ],
)
def test_adversarial_terms(term, answers, wanted, pair, make_context, referee):
    image, hole = pair
    ctx = make_context(image, 1 - image, hole, torch.nn.Module())
    ctx.method.discriminator = judge = referee(*answers)
    assert getattr(losses, term)(ctx).item() == pytest.approx(wanted, rel=1e-5)
    other_holes = hole[[1, 0]]
    real = (image, around(other_holes, image))
    composite = torch.where(hole.bool(), 1 - image, image)
    fake = (composite, around(hole, composite))
    expected = {"discriminator": [real, fake], "squared_real": [real]}.get(term, [fake])
    for shown, one in zip(judge.shown, expected, strict=True):
        assert torch.equal(shown[0], one[0]) and torch.equal(shown[1], one[1])


def test_a_confident_discriminator_still_teaches(make_context, referee, pair):
    image, hole = pair
    logit = torch.full((2, 1), -200.0, requires_grad=True)
    ctx = make_context(image, image, hole, torch.nn.Module())
    ctx.method.discriminator = referee(logit)
    value = losses.adversarial(ctx)
    value.backward()
    assert value.item() == pytest.approx(200)
    assert logit.grad is not None and logit.grad.sum().item() == pytest.approx(-1)


def test_a_perfect_painting_costs_nothing_and_known_pixels_teach_nothing(make_context, pair):
    image, hole = pair
    painted = image.clone().requires_grad_()
    assert losses.mse(make_context(image, painted, hole)) == 0
    losses.mse(make_context(image, painted + 0.1, hole)).backward()
    known = hole.expand_as(image) == 0
    assert painted.grad is not None and painted.grad[known].eq(0).all() and painted.grad[~known].ne(0).all()


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
