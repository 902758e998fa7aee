"""Facts about the paper's method, one test each. The numbers are worked out by hand."""

import numpy as np
import pytest
import torch
from torch import nn

from bench_core.losses.reconstruction import l1
from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_gradient_attention import mnist, model
from bench_gradient_attention.losses import grad_l1, image_gradient
from bench_gradient_attention.model import Generator, WassersteinCritic

IMAGE = torch.zeros(1, 1, 4, 4)
IMAGE[..., 1:3, 1:3] = 1


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_sums_of_both_maps():
    assert IMAGE.abs().sum() == 4
    assert image_gradient(IMAGE).sum() == 8


def test_fact_02_differences_point_backwards():
    wanted = torch.tensor([[0.0, 0, 0, 0], [0, 2, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]])
    assert image_gradient(IMAGE)[0, 0].equal(wanted)
    assert image_gradient(-IMAGE)[0, 0].equal(wanted)


@pytest.mark.parametrize(
    ("margin", "alpha", "total"), [(0, 1, 8), (1, 1, 12), (8, 1, 12), (0, 0, 4), (1, 0, 4), (4, 0, 4)]
)
def test_fact_03_the_loss_is_the_mean_of_both_maps(make_context, margin, alpha, total):
    ctx = make_context(IMAGE, torch.zeros_like(IMAGE), hole=IMAGE)
    assert l1(ctx) + alpha * grad_l1(ctx, margin) == total / 16


def test_fact_04_a_constant_changes_no_gradient():
    error = torch.randint(-8, 9, (2, 3, 8, 8)) / 8.0
    assert image_gradient(error + 0.5).equal(image_gradient(error))
    assert image_gradient(torch.full_like(error, 0.5)).eq(0).all()


def test_fact_05_parameter_counts():
    with torch.device("meta"):
        assert count(mnist.build("paper", 1)) == 489_136
        for in_channels, wanted in ((5, 1_450_723), (4, 1_450_435), (3, 1_450_147)):
            for upsampling in ("nearest", "transposed"):
                assert count(model.build("paper", 3, in_channels=in_channels, upsampling=upsampling)) == wanted
        generator = model.build("paper", 3).generator
        assert count(generator) - count(list(generator.layers)[-1]) == 1_449_856
        assert count(WassersteinCritic(64)) == 977_281


def test_fact_06_shapes_of_the_networks():
    generator, critic, maps = Generator(32), WassersteinCritic(64), []
    for layer in generator.layers:
        layer.register_forward_hook(lambda module, given, out: maps.append(tuple(out.shape[1:])))
    with torch.no_grad():
        prediction = generator(torch.rand(1, 3, 128, 128), torch.ones(1, 1, 128, 128))
        score = critic(prediction)
    assert prediction.shape == (1, 3, 128, 128)
    assert min(size for _, *size in maps) == [32, 32]
    assert {shape for shape in maps if shape[1:] == (32, 32)} == {(128, 32, 32)}
    assert score.shape == (1, 1)


@pytest.mark.parametrize(("size", "first", "last"), [(128, 32, 95), (28, 7, 20)])
def test_fact_07_the_centre_box_covers_a_quarter(size, first, last):
    family = Plugins.find().records("masks")["center_box"]
    hole = resolve(family.draw)(np.random.default_rng(0), size, size, **family.parameters)
    rows, columns = hole.nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (first, last, first, last)
    assert hole.mean() == 0.25


def test_fact_08_the_critic_scores_every_image_alone(scramble):
    critic = scramble(WassersteinCritic(4)).train()
    assert {type(module) for module in critic.modules()} == {WassersteinCritic, nn.ModuleList, nn.Conv2d, nn.Linear}
    image = torch.randn(3, 3, 128, 128)
    with torch.no_grad():
        alone = torch.cat([critic(image[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(critic(image), alone)
