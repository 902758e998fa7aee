"""Adversarial losses against numbers worked out by hand."""

import math

import pytest
import torch

from bench_core.losses.adversarial import (
    cross_entropy,
    gradient_penalty,
    hinge_discriminator,
    hinge_generator,
    least_squares,
    relativistic_average,
)


def test_hinge():
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.5])
    assert hinge_discriminator(real, fake).item() == 0.625
    assert hinge_generator(fake).item() == 0.75


def test_cross_entropy():
    logits = torch.tensor([2.0, -1.0])
    real = [-math.log(1 / (1 + math.exp(-x))) for x in (2, -1)]
    fake = [-math.log(1 - 1 / (1 + math.exp(-x))) for x in (2, -1)]
    assert cross_entropy(logits, 1.0).item() == pytest.approx(sum(real) / 2)
    assert cross_entropy(logits, 0.0).item() == pytest.approx(sum(fake) / 2)


def test_least_squares():
    scores, labels = torch.tensor([[1.0, 0.5], [0.0, 2.0]]), torch.tensor([[0.0, 0.5], [0.5, 1.0]])
    assert least_squares(scores, 1.0).item() == (0 + 0.25 + 1 + 1) / 4
    assert least_squares(scores, labels).item() == (1 + 0 + 0.25 + 1) / 4
    assert least_squares(scores, 1.0, torch.tensor([[0.0, 1.0], [0.0, 3.0]])).item() == (0.25 + 3) / 4
    assert least_squares(scores, 1.0, torch.zeros(2, 2)).item() == 0


def test_relativistic_average():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0])
    softplus = lambda x: math.log1p(math.exp(x))  # noqa: E731
    # real minus the mean of fake: 2, 4; fake minus the mean of real: -2, -4
    expected = 0.5 * ((softplus(-2) + softplus(-4)) / 2 + (softplus(-2) + softplus(-4)) / 2)
    assert relativistic_average(real, fake).item() == pytest.approx(expected)
    assert relativistic_average(fake, real).item() == pytest.approx(expected + 3)


def test_the_gradient_penalty_is_taken_between_fake_and_real_inside_the_hole():
    real, fake = torch.rand(2, 2, 3, 8, 8).unbind()
    hole = torch.zeros(2, 1, 8, 8)
    hole[..., 2:6, 3:7] = 1
    torch.manual_seed(5)
    found = gradient_penalty(lambda x: x, real, fake, hole).item()  # the gradient of half the sum of squares
    torch.manual_seed(5)
    share = torch.rand(2, 1, 1, 1)
    between = share * real + (1 - share) * fake
    norms = between[..., 2:6, 3:7].flatten(1).norm(dim=1)
    assert found == pytest.approx((norms - 1).square().mean().item(), rel=1e-5)
