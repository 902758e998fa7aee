"""The loss terms against independent references, their inputs and their gradients."""

import numpy as np
import pytest
import torch
from scipy.ndimage import binary_dilation
from torch import nn

import bench_gradient_attention
from bench_core.errors import BadInput
from bench_core.nn.discriminators import Critic
from bench_core.system.devices import open_fabric
from bench_gradient_attention import losses
from bench_gradient_attention.model import build_adversarial
from bench_gradient_attention.recipe import ADVERSARIAL, CELEBA, MNIST


def published_gradient(error: np.ndarray) -> np.ndarray:
    g = np.zeros_like(error)
    height, width = error.shape[2:]
    for i in range(height):
        for j in range(width):
            if i > 0:
                g[..., i, j] += abs(error[..., i, j] - error[..., i - 1, j])
            if j > 0:
                g[..., i, j] += abs(error[..., i, j] - error[..., i, j - 1])
    return g


@pytest.mark.parametrize("margin", [0, 1, 4, 8])
def test_the_term_is_the_equation(make_context, margin):
    image, prediction = torch.rand(2, 3, 24, 20), torch.rand(2, 3, 24, 20)
    hole = (torch.rand(2, 1, 24, 20) < 0.005).float()
    hole[0, 0, 0, 19] = hole[1, 0, 12, 3] = 1
    grown = np.stack([
        binary_dilation(one[0], np.ones((2 * margin + 1, 2 * margin + 1)))[None] for one in hole.numpy() > 0
    ])  # fmt: skip
    assert 0 < grown.mean() < 1
    wanted = (grown * published_gradient((image - prediction).numpy())).mean()
    assert losses.grad_l1(make_context(image, prediction, hole), margin).item() == pytest.approx(wanted, rel=1e-5)


def test_the_term_is_that_of_the_raw_prediction(make_context, centre_hole):
    """It penalises an edge next to the hole that the composite does not have."""
    image = torch.zeros(2, 3, 32, 32)
    outside = make_context(image, 1 - centre_hole.expand_as(image), centre_hole)
    assert outside.composite.eq(0).all()
    # along the hole's rim 16 + 16 differences above and below, 16 + 16 to the left and right, in every channel
    assert losses.grad_l1(outside).item() == pytest.approx(64 / 32**2)
    # without a margin, M holds only the upper and the left ones, whose second pixel is in the hole
    assert losses.grad_l1(outside, margin=0).item() == pytest.approx(32 / 32**2)


@pytest.mark.parametrize("margin", [-1, 9])
def test_a_margin_out_of_range_raises_bad_input(make_context, centre_hole, margin):
    ctx = make_context(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32), centre_hole)
    with pytest.raises(BadInput, match=f"given as {margin}"):
        losses.grad_l1(ctx, margin)


class HalfSumOfSquares(Critic):
    """A critic whose gradient is its input."""

    def forward(self, image):
        return image.square().flatten(1).sum(1, keepdim=True) / 2


def test_the_wasserstein_losses(make_context, centre_hole):
    method = nn.Module()
    method.critic = HalfSumOfSquares()
    image, prediction = torch.zeros(2, 3, 32, 32), torch.full((2, 3, 32, 32), 0.25)
    ctx = make_context(image, prediction, centre_hole, method)
    # pixels of -1, and of -0.5 in the hole: 3 x 1024 halves, of which 3 x 256 are quartered
    real, fake = 1536, 1536 - 384 + 96
    assert losses.critic(ctx).item() == fake - real
    assert losses.adversarial(ctx).item() == -fake


def test_the_penalty_is_taken_between_image_and_composite_and_inside_the_hole_only(make_context, centre_hole):
    method = nn.Module()
    method.critic = HalfSumOfSquares()
    image, prediction = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    ctx = make_context(image, prediction, centre_hole, method)
    torch.manual_seed(5)
    found = losses.gradient_penalty(ctx).item()
    torch.manual_seed(5)
    share = torch.rand(2, 1, 1, 1)
    between = 2 * (share * image + (1 - share) * prediction) - 1
    norms = between[..., 8:24, 8:24].flatten(1).norm(dim=1)
    assert found == pytest.approx((norms - 1).square().mean().item(), rel=1e-5)
    torch.manual_seed(6)
    assert losses.gradient_penalty(ctx).item() != pytest.approx(found, rel=1e-3)


@pytest.mark.parametrize("size", [64, 128])
def test_the_penaltys_gradient_is_right_and_deterministic(make_context, scramble, size):
    method = scramble(build_adversarial("nano", 3)).double()
    image, prediction = torch.rand(2, 2, 3, size, size, dtype=torch.float64)
    hole = torch.zeros(2, 1, size, size, dtype=torch.float64)
    hole[..., 8:40, 16:48] = 1

    def penalty():
        torch.manual_seed(5)
        return losses.gradient_penalty(make_context(image, prediction, hole, method))

    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        weights = [p for name, p in method.critic.named_parameters() if name.endswith("weight")]
        first, again = (torch.autograd.grad(penalty(), weights) for _ in range(2))
    finally:
        torch.use_deterministic_algorithms(before)
    assert all(one.equal(other) for one, other in zip(first, again, strict=True))
    for weight, gradient in zip(weights, first, strict=True):
        step = 1e-6 * torch.randn_like(weight)
        with torch.no_grad():
            weight += step
            above = penalty_value(penalty)
            weight -= 2 * step
            below = penalty_value(penalty)
            weight += step
        assert (above - below) / 2 == pytest.approx((gradient * step).sum().item(), rel=1e-3, abs=1e-12)


def penalty_value(penalty) -> float:
    with torch.enable_grad():
        return penalty().item()


def test_without_a_hole_the_penalty_is_finite(make_context):
    method = build_adversarial("nano", 3)
    image = torch.rand(2, 3, 64, 64)
    penalty = losses.gradient_penalty(make_context(image, image, torch.zeros(2, 1, 64, 64), method))
    penalty.backward()
    assert penalty.item() == 1
    assert all(p.grad is None or p.grad.isfinite().all() for p in method.critic.parameters())


def test_the_penalty_works_in_mixed_precision(make_context, centre_hole):
    fabric, method = open_fabric("cpu", "bf16-mixed"), build_adversarial("nano", 3)
    setattr(method, "critic", fabric.setup_module(method.critic))  # noqa: B010 - as the harness does
    ctx = make_context(torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32), centre_hole, method)
    fabric.backward(losses.critic(ctx) + 10 * losses.gradient_penalty(ctx))
    gradients = [p.grad for p in method.critic.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_the_recipes_are_the_papers():
    forms = {model.name: model for model in bench_gradient_attention.bench_models()}
    assert [forms[f"gradient_attention{form}"].recipe for form in ("", ":adversarial", ":mnist")] == [
        CELEBA, ADVERSARIAL, MNIST
    ]  # fmt: skip
    l_inp = {"l1": 1.0, "grad_l1": 1.0}
    for recipe, batch, steps, betas in (
        (MNIST, 128, 14_000, (0.9, 0.999)),
        (CELEBA, 16, 120_000, (0.5, 0.9)),
        (ADVERSARIAL, 16, 120_000, (0.5, 0.9)),
    ):
        assert (recipe.batch, recipe.steps) == (batch, steps)
        (phase,) = recipe.phases
        for update in phase.updates:
            assert update.optimiser.name == "Adam"
            assert update.optimiser.settings == {"lr": 1e-4, "betas": betas}
    assert [update.losses for recipe in (MNIST, CELEBA) for update in recipe.phases[0].updates] == [l_inp] * 2
    *critics, generator = ADVERSARIAL.phases[0].rounds
    assert [[(one.network, one.losses) for one in turn] for turn in critics] == [
        [("critic", {"critic": 1.0, "gradient_penalty": 10.0})]
    ] * 5
    assert [(one.network, one.losses) for one in generator] == [("generator", {**l_inp, "adversarial": 0.0005})]


def test_the_gradient_term_is_public():
    (public,) = bench_gradient_attention.bench_losses()
    assert (public.name, dict(public.parameters), public.backbone) == ("grad_l1", {"margin": 4}, None)
    private = [loss.name for model in bench_gradient_attention.bench_models() for loss in model.losses]
    assert private == ["adversarial", "critic", "gradient_penalty"]
