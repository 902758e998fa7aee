"""Pixel ranges and initial weights."""

from typing import Any

import pytest
import torch
from torch import nn

from bench_core.nn.init import init_glorot, init_normal
from bench_core.nn.ranges import signed, signed_masked, unsigned


def test_ranges_are_converted_there_and_back():
    image = torch.tensor([0.0, 0.25, 0.5, 1.0]).view(1, 1, 2, 2)
    assert signed(image).flatten().tolist() == [-1, -0.5, 0, 1]
    assert torch.equal(unsigned(signed(image)), image)


def test_hidden_pixels_become_mid_grey():
    image, hole = torch.rand(2, 3, 8, 8), torch.rand(2, 1, 8, 8).round()
    found = signed_masked(image * (1 - hole), hole)
    assert torch.equal(found, torch.where(hole.bool(), 0, 2 * image - 1))


def network() -> Any:
    """Return layers whose biases and gains are far from their initial values."""
    layers = nn.Sequential(
        nn.Conv2d(8, 64, 3), nn.BatchNorm2d(2000), nn.ConvTranspose2d(64, 8, 3, bias=False), nn.Linear(64, 64)
    )
    for parameter in layers.parameters():
        nn.init.constant_(parameter, 7.0)
    return layers


def test_the_normal_rule_draws_weights_and_gains_and_zeroes_biases():
    torch.manual_seed(0)
    conv, norm, deconv, linear = network().apply(init_normal)
    for layer, mean in ((conv, 0), (norm, 1), (deconv, 0), (linear, 0)):
        assert layer.weight.mean().item() == pytest.approx(mean, abs=0.003)
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.1)
        assert layer.bias is None or layer.bias.eq(0).all()


def test_glorots_rule_draws_weights_uniformly_and_zeroes_biases():
    torch.manual_seed(0)
    conv, norm, deconv, linear = network().apply(init_glorot)
    for layer, fans in ((conv, 9 * (8 + 64)), (deconv, 9 * (8 + 64)), (linear, 128)):
        bound = (6 / fans) ** 0.5
        assert 0.98 * bound < layer.weight.abs().max() <= bound
        assert layer.weight.std().item() == pytest.approx(bound / 3**0.5, rel=0.1)
        assert layer.bias is None or layer.bias.eq(0).all()
    assert norm.weight.eq(7).all() and norm.bias.eq(7).all()
