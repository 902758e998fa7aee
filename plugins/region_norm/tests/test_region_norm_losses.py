"""The loss terms against numbers worked out by hand or by independent formulas, and the steps of the recipe."""

import math
from functools import partial

import pytest
import torch
from torch import Tensor, nn

import bench_region_norm
from bench_core.methods import LossContext
from bench_core.specs import resolve
from bench_region_norm import losses
from bench_region_norm.recipe import RECIPE

TERMS = {loss.name: resolve(loss.term) for loss in bench_region_norm.REGION_NORM.losses}


def test_the_recipe_is_the_official_one():
    assert bench_region_norm.REGION_NORM.recipe is RECIPE and RECIPE.batch == 14
    (phase,) = RECIPE.phases
    ((discriminator, generator),) = phase.rounds
    assert (discriminator.network, generator.network) == ("discriminator", "generator")
    assert dict(generator.losses) == {"l1": 1, "adversarial": 0.1} and dict(discriminator.losses) == {
        "discriminator": 1
    }
    assert {*generator.losses, *discriminator.losses} == set(TERMS)
    for update, lr in ((generator, 1e-4), (discriminator, 1e-5)):
        assert update.optimiser.name == "Adam" and update.optimiser.settings == {"lr": lr, "betas": (0.0, 0.9)}


def test_the_rate_falls_by_a_fifth_with_every_epoch_after_the_second():
    for update in RECIPE.phases[0].updates:
        schedule = update.optimiser.schedule
        assert schedule is not None
        for epoch in range(1, 11):
            expected = 0.8 ** max(epoch - 2, 0)
            for progress in ((epoch - 1) / 10 + 1e-9, (epoch - 0.5) / 10, epoch / 10 - 1e-9):
                assert schedule.factor(progress) == pytest.approx(expected), (epoch, progress)


def test_l1_is_a_mean_over_the_hole(make_context):
    image, hole = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    hole[..., :2, :] = 1
    prediction = image + 0.9 * (1 - hole)  # errors of known pixels do not count
    prediction[:, 0, 0] = 0.5  # 4 of 3 x 8 values
    assert losses.l1(make_context(image, prediction, hole)).item() == pytest.approx(0.5 * 4 / 24)


def test_the_hole_of_l1_is_that_of_the_batch(make_context):
    image, hole = torch.zeros(2, 1, 2, 2), torch.zeros(2, 1, 2, 2)
    hole[0, 0, 0, 0] = hole[1] = 1
    prediction = torch.zeros(2, 1, 2, 2)
    prediction[0] = 1
    assert losses.l1(make_context(image, prediction, hole)).item() == pytest.approx(1 / 5)


def test_images_without_a_hole_cost_nothing(make_context, pair):
    image, hole = pair
    prediction = (1 - image).requires_grad_()
    value = losses.l1(make_context(image, prediction, torch.zeros_like(hole)))
    value.backward()
    assert value.item() == 0 and prediction.grad is not None and prediction.grad.eq(0).all()


def entropy(scores: Tensor, real: bool) -> float:
    """Mean of -log of the probability of the right label."""
    values = [s if real else -s for s in scores.flatten().tolist()]
    return sum(math.log1p(math.exp(-value)) for value in values) / len(values)


def test_adversarial_terms_are_cross_entropies_of_raw_predictions(nano, make_context, fixed_discriminator, pair):
    image, hole = pair
    prediction = 1 - image
    ctx = make_context(image, prediction, hole, nano)
    first, second = torch.randn(2, 2, 1, 2, 4)

    nano.discriminator = discriminator = fixed_discriminator(first)
    assert losses.adversarial(ctx).item() == pytest.approx(entropy(first, True), rel=1e-5)
    assert [torch.equal(x, prediction) for x in discriminator.inputs] == [True]

    nano.discriminator = discriminator = fixed_discriminator(first, second)
    wanted = (entropy(first, True) + entropy(second, False)) / 2
    assert losses.discriminator(ctx).item() == pytest.approx(wanted, rel=1e-5)
    real, fake = discriminator.inputs  # real images first
    assert torch.equal(real, image) and torch.equal(fake, prediction)


def take_step(method: nn.Module, make_context, image: Tensor, hole: Tensor) -> dict[str, Tensor]:
    """Take one training step of the recipe; returns the loss terms."""
    method.train()
    values: dict[str, Tensor] = {}
    ctx: LossContext = make_context(image, method(image * (1 - hole), hole).prediction, hole, method)
    for update in RECIPE.phases[0].rounds[0]:
        method.zero_grad()
        of_update = ctx if update.network == "generator" else ctx.detached()
        terms = {name: TERMS[name](of_update) for name in update.losses}
        torch.stack([weight * terms[name] for name, weight in update.losses.items()]).sum().backward()
        torch.optim.Adam(method.get_submodule(update.network).parameters(), **update.optimiser.settings).step()
        values |= terms
    return values


def test_a_step_has_all_terms_and_moves_all_weights(nano, make_context, pair):
    before = {name: value.clone() for name, value in nano.named_parameters()}
    values = take_step(nano, make_context, *pair)
    assert set(values) == set(TERMS)
    assert all(value.dim() == 0 and value.isfinite() and value > 0 for value in values.values())
    assert [name for name, value in nano.named_parameters() if torch.equal(value, before[name])] == []


def test_a_step_takes_three_power_iterations_and_the_generator_meets_the_updated_discriminator(
    nano, make_context, pair
):
    image, hole = pair
    layer = nano.discriminator.layers[0]
    normalize, seen = partial(nn.functional.normalize, dim=0), []
    nano.discriminator.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach()))
    before = layer.weight_orig.detach().flatten(1).clone()
    u = layer.weight_u.clone()
    take_step(nano, make_context, image, hole)
    after = layer.weight_orig.detach().flatten(1)
    assert not torch.equal(after, before)
    for matrix in (before, before, after):
        u = normalize(matrix @ normalize(matrix.T @ u))
    torch.testing.assert_close(layer.weight_u, u)
    assert [torch.equal(x, image) for x in seen] == [True, False, False] and torch.equal(seen[1], seen[2])
