"""The loss terms against a reference that follows the official code, in units of [-1, 1], and the recipe."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.autograd import grad

from bench_contextual_attention import CONTEXTUAL_ATTENTION, RECIPE, losses
from bench_contextual_attention.model import DeepFill
from bench_core.nn.discriminators import Critic
from bench_core.recipe import Update
from bench_core.specs import resolve

BOXES = ((8, 20), (31, 0))
"""Top row and left column of the boxes from which the holes of `pair` are shrunk."""
SIDE = 32
TERMS: dict[str, Callable] = {loss.name: resolve(loss.term) for loss in CONTEXTUAL_ATTENTION.losses}


def cut(image: Tensor) -> Tensor:
    """Cut the boxes out of two images."""
    return torch.stack([
        one[:, top : top + SIDE, left : left + SIDE] for one, (top, left) in zip(image, BOXES, strict=True)
    ])  # fmt: skip


def official_discount() -> Tensor:
    rows = [[max(0.9 ** min(i, SIDE - i), 0.9 ** min(j, SIDE - j)) for j in range(SIDE)] for i in range(SIDE)]
    return torch.tensor(rows, dtype=torch.float64)


def official_generator_loss(method: DeepFill, image: Tensor, hole: Tensor) -> Tensor:
    """Compute 1.2 L1 + 1.2 AE + 0.001 adversarial for images in [-1, 1]."""
    x1, x2 = method.generator(image * (1 - hole), hole)
    fake = x2 * hole + image * (1 - hole)
    w, valid = official_discount(), 1 - hole
    l1 = 1.2 * ((cut(image) - cut(x1)).abs() * w).mean() + ((cut(image) - cut(x2)).abs() * w).mean()
    ae = torch.stack([
        (1.2 * (a.abs() * v).mean() + (b.abs() * v).mean()) / v.mean()
        for a, b, v in zip(image - x1, image - x2, valid, strict=True)
    ]).mean()  # fmt: skip
    adversarial = -(method.global_critic(fake).mean() + method.local_critic(cut(fake)).mean())
    return 1.2 * l1 + 1.2 * ae + 0.001 * adversarial


def official_critic_loss(critic: Critic, real: Tensor, fake: Tensor, hole: Tensor, share: Tensor) -> Tensor:
    """Compute the mean of D(fake) - D(real) and ten times the penalty, for images in [-1, 1]."""
    between = (share * real + (1 - share) * fake).requires_grad_()
    (gradient,) = grad(critic(between).sum(), between, create_graph=True)
    slopes = (gradient.square() * hole).sum(dim=(1, 2, 3)).sqrt()
    return (critic(fake) - critic(real)).mean() + 10 * (slopes - 1).square().mean()


def total(update: Update, ctx) -> Tensor:
    return torch.stack([weight * TERMS[name](ctx) for name, weight in update.losses.items()]).sum()


def assert_same(found: Tensor, expected: Tensor, sources: list[Tensor]) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-7, atol=0)
    gradients = (grad(loss, sources, allow_unused=True, materialize_grads=True) for loss in (found, expected))
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-8)
        assert ours.isfinite().all()


@pytest.fixture
def image() -> Tensor:
    return torch.rand(2, 3, 64, 64, dtype=torch.float64)


def test_the_generators_loss_is_the_official_one(make_context, method, pair, image) -> None:
    _, hole = pair
    output = method(image * (1 - hole), hole)
    ctx = make_context(image, hole, output.prediction, output.coarse, method)
    (update,) = RECIPE.phases[0].rounds[5]
    expected = official_generator_loss(method, 2 * image - 1, hole)
    assert_same(total(update, ctx), expected, list(method.generator.parameters()))


@pytest.mark.parametrize(("number", "name"), [(0, "global_critic"), (1, "local_critic")])
def test_a_critics_loss_is_the_official_one(make_context, method, pair, image, number: int, name: str) -> None:
    _, hole = pair
    prediction = torch.rand_like(image)
    ctx = make_context(image, hole, prediction, torch.rand_like(image), method)
    update = RECIPE.phases[0].rounds[0][number]
    critic, real = method.get_submodule(name), 2 * image - 1
    fake = (2 * prediction - 1) * hole + real * (1 - hole)
    planes = (real, fake, hole) if name == "global_critic" else (cut(real), cut(fake), cut(hole))
    assert update.network == name
    assert ctx.cached(losses.corners).tolist() == [list(box) for box in BOXES]
    torch.manual_seed(1)
    found = total(update, ctx)
    torch.manual_seed(1)
    expected = official_critic_loss(critic, *planes, torch.rand(2, 1, 1, 1, dtype=torch.float64))
    assert_same(found, expected, list(critic.parameters()))


def test_critics_pass_no_gradient_to_the_generator_in_their_own_updates(make_context, method, pair, image) -> None:
    _, hole = pair
    output = method(image * (1 - hole), hole)
    ctx = make_context(image, hole, output.prediction, output.coarse, method).detached()
    torch.stack([total(update, ctx) for update in RECIPE.phases[0].rounds[0]]).sum().backward()
    assert all(parameter.grad is None for parameter in method.generator.parameters())


def test_the_terms_of_the_generator_are_means_over_images(make_context, method, pair, image) -> None:
    _, hole = pair
    prediction, coarse = torch.rand_like(image), torch.rand_like(image)
    for name in ("discounted_l1", "autoencoding", "adversarial"):
        apart = [
            TERMS[name](make_context(*(plane[i : i + 1] for plane in (image, hole, prediction, coarse)), method))
            for i in range(2)
        ]
        together = TERMS[name](make_context(image, hole, prediction, coarse, method))
        torch.testing.assert_close(together, torch.stack(apart).mean())


def test_reconstruction_has_values_worked_out_by_hand(make_context) -> None:
    image, hole = torch.full((1, 3, 256, 256), 0.5), torch.zeros(1, 1, 256, 256)
    hole[..., 70:180, 60:190] = 1
    known = (hole == 0).float()
    # off by 0.5 and 1 in [-1, 1]: the whole crop counts, with the discount's mean
    l1 = losses.discounted_l1(make_context(image, hole, image + 0.5, image + 0.25))
    assert l1.item() == pytest.approx(0.252921 * (1.2 * 0.5 + 1), abs=1e-5)
    # errors in the hole are no part of the other term, and its mean is over known pixels
    ae = losses.autoencoding(make_context(image, hole, image + 0.5 * known, image + 0.25 + 0.1 * hole))
    assert ae.item() == pytest.approx(1.2 * 0.5 + 1, abs=1e-5)


@given(
    place=st.tuples(st.integers(0, 32), st.integers(0, 24)),
    shrunk=st.tuples(st.integers(0, 8), st.integers(0, 8)),
)
def test_the_crop_is_the_box_from_which_the_hole_was_shrunk(make_context, place, shrunk) -> None:
    hole, (top, left), (h, w) = torch.zeros(1, 1, 64, 48), place, shrunk
    hole[..., top + h : top + 32 - h, left + w : left + 24 - w] = 1
    image = torch.zeros(1, 3, 64, 48)
    assert losses.corners(make_context(image, hole, image)).tolist() == [[top, left]]


def test_all_terms_of_an_update_crop_a_hole_that_is_too_large_at_the_same_place(make_context, method, image) -> None:
    hole, crops = torch.ones_like(image[:, :1]), []
    method.local_critic.register_forward_pre_hook(lambda _, given: crops.append(given[0]))
    ctx = make_context(image, hole, image.flip(0), image, method)
    losses.local_score_gap(ctx)
    losses.adversarial(ctx)
    fake, real, again = crops
    assert torch.equal(fake, again)
    places = ctx.cached(losses.corners).tolist()
    for cut_out, whole in ((real, image), (fake, image.flip(0))):
        for one, source, (top, left) in zip(cut_out, whole, places, strict=True):
            assert torch.equal(one, 2 * source[:, top : top + SIDE, left : left + SIDE] - 1)


def test_an_image_that_is_all_hole_has_finite_terms(make_context, method, image) -> None:
    prediction = torch.rand_like(image).requires_grad_()
    ctx = make_context(image, torch.ones_like(image[:, :1]), prediction, prediction, method)
    found = torch.stack([term(ctx) for term in TERMS.values()])
    assert found.isfinite().all() and losses.autoencoding(ctx) == 0
    found.sum().backward()
    assert prediction.grad is not None and prediction.grad.isfinite().all()


def test_the_recipe_is_the_official_configuration() -> None:
    assert CONTEXTUAL_ATTENTION.recipe is RECIPE
    assert (RECIPE.batch, RECIPE.steps) == (16, 1_000_000)
    (phase,) = RECIPE.phases
    for update in phase.updates:
        assert (update.optimiser.name, dict(update.optimiser.settings)) == ("Adam", {"lr": 1e-4, "betas": (0.5, 0.9)})
        part = update.network.removesuffix("_critic")
        assert dict(update.losses) == (
            {"discounted_l1": 1.2, "autoencoding": 1.2, "adversarial": 0.001}
            if part == "generator"
            else {f"{part}_score_gap": 1, f"{part}_gradient_penalty": 10}
        )
    assert {name for update in phase.updates for name in update.losses} == set(TERMS)


def test_one_step_of_the_recipe_changes_each_network_in_its_own_updates_only(make_context, method, pair, image) -> None:
    _, hole = pair
    networks = ("generator", "global_critic", "local_critic")
    taken = []
    for one_round in RECIPE.phases[0].rounds[-2:]:
        output = method(image * (1 - hole), hole)
        ctx = make_context(image, hole, output.prediction, output.coarse, method)
        for update in one_round:
            before = {name: value.clone() for name, value in method.state_dict().items()}
            network = method.get_submodule(update.network)
            method.zero_grad()
            total(update, ctx if update.network == "generator" else ctx.detached()).backward()
            getattr(torch.optim, update.optimiser.name)(network.parameters(), **update.optimiser.settings).step()
            changed = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
            # a critic's last bias cancels between composite and image, and has no part in the penalty
            own = {name for name in before if name.startswith(f"{update.network}.")}
            assert changed == own - {f"{update.network}.score.bias"}
            taken.append(networks.index(update.network))
    assert taken == [1, 2, 0]
