"""Facts about the paper's method, one test each. The numbers are published or worked out by hand."""

import pytest
import torch
from torch import nn

from bench_core.nn.hole_crops import centred_corners, crop
from bench_core.training.schedule import schedule
from bench_glcic import losses
from bench_glcic.model import Discriminator, Generator, build
from bench_glcic.recipe import RECIPE


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_parameter_counts():
    with torch.device("meta"):
        paper = build("paper", 3)
        assert count(Discriminator(3, 1, "celeba")) == 39_557_121
    assert count(paper.generator) == 6_072_131
    assert count(paper.discriminator) == 45_063_681
    assert count(paper.discriminator.global_branch) == 25_808_384
    assert count(paper.discriminator.local_branch) == 19_253_248
    assert count(paper.discriminator.verdict) == 2_049


def test_fact_02_the_completion_network_works_at_a_quarter_of_the_size_and_predicts_values_in_0_to_1():
    generator, shapes = Generator(3, 1), []
    generator.layers[0].register_forward_pre_hook(lambda module, given: shapes.append(given[0].shape))
    for layer in generator.layers[:-1]:
        layer.register_forward_hook(lambda module, given, out: shapes.append(out.shape))
    with torch.no_grad():
        generator.get_parameter("layers.16.weight").mul_(5)
        prediction = generator(torch.rand(1, 3, 64, 64), torch.ones(1, 1, 64, 64))
    assert prediction.shape == (1, 3, 64, 64)
    assert prediction.min() > 0 and prediction.max() < 1
    assert shapes[0] == (1, 4, 64, 64)
    assert [tuple(shape[1:]) for shape in shapes[1:]] == [
        (64, 64, 64), (128, 32, 32), (128, 32, 32), *[(256, 16, 16)] * 9,
        (128, 32, 32), (128, 32, 32), (64, 64, 64), (32, 64, 64),
    ]  # fmt: skip


def test_fact_03_both_branches_reach_four_by_four():
    discriminator, shapes = Discriminator(3, 1).eval(), []
    for branch in (discriminator.local_branch, discriminator.global_branch):
        branch.layers.register_forward_hook(lambda module, given, out: shapes.append(tuple(out.shape)))
    with torch.no_grad():
        score = discriminator(torch.rand(1, 3, 256, 256), torch.rand(1, 3, 128, 128))
    assert shapes == [(1, 512, 4, 4), (1, 512, 4, 4)]
    assert score.shape == (1, 1) and 0 < score.sigmoid() < 1


def test_fact_04_the_squared_error_is_a_mean_over_all_pixels(make_context):
    image, hole = torch.rand(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    hole[..., 1:3, 2:] = 1
    assert losses.mse(make_context(image, image + 1, hole)).item() == pytest.approx(4 / 16)
    prediction = torch.where(hole.bool(), image + 1, torch.rand(1, 1, 4, 4))
    assert losses.mse(make_context(image, prediction, hole)).item() == pytest.approx(4 / 16)


def test_fact_05_the_phases_of_the_published_training():
    assert RECIPE.steps is not None
    found = [(phase.name, first, last) for phase, first, last in schedule(RECIPE, RECIPE.steps)]
    assert found == [("completion", 0, 90_000), ("discriminators", 90_000, 100_000), ("joint", 100_000, 500_000)]
    trained = [[(update.network, dict(update.losses)) for update in phase.updates] for phase in RECIPE.phases]
    discriminator, mse = ("discriminator", {"discriminator": 1.0}), {"mse": 1.0}
    assert trained == [
        [("generator", mse)],
        [discriminator],
        [discriminator, ("generator", mse | {"adversarial": 4e-4})],
    ]


def test_fact_06_the_papers_holes_lie_in_the_local_patch():
    hole = torch.zeros(50, 1, 256, 256)
    for one in hole:
        height, width = torch.randint(96, 129, (2,)).tolist()
        top, left = (int(torch.randint(0, 257 - side, ())) for side in (height, width))
        one[:, top : top + height, left : left + width] = 1
    patch = crop(hole, centred_corners(hole))
    assert patch.shape == (50, 1, 128, 128)
    assert torch.equal(patch.sum((1, 2, 3)), hole.sum((1, 2, 3)))


def test_fact_07_holes_are_filled_with_the_mean_colour(nano, pair):
    image, hole = pair
    nano.calibrate(iter([torch.rand(3, 3, 8, 8) * 0.5, torch.rand(3, 3, 8, 8)]))
    mean = nano.generator.mean
    assert mean.unique().numel() == 3
    x = nano.generator.prepare(image, hole)
    inside = hole.bool().expand_as(image)
    assert torch.equal(x[:, :3][inside], mean.view(3, 1, 1).expand_as(image)[inside])
    assert torch.equal(x[:, :3][~inside], image[~inside])
    assert torch.equal(x[:, 3:], hole) and hole.unique().tolist() == [0, 1]


def test_fact_08_five_layers_take_32_to_one_and_the_sixth_keeps_it():
    with torch.device("meta"):
        branch = Discriminator(3, 1, "cifar10").global_branch
    shapes, x = [], torch.rand(2, 3, 32, 32, device="meta")
    for layer in branch.layers:
        x = layer(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2), (512, 1, 1), (512, 1, 1)]


def test_fact_08_parameters_of_the_report():
    with torch.device("meta"):
        discriminator = Discriminator(3, 1, "cifar10")
    assert count(discriminator.local_branch) == 11_388_928
    assert count(discriminator.global_branch) == 17_944_064
    assert count(discriminator) == 29_335_041


@pytest.mark.parametrize(("number", "frozen"), [(0, "discriminator"), (1, "generator"), (2, None)])
def test_fact_09_a_phase_leaves_the_other_network_as_it_is(nano, pair, models, take_step, number, frozen):
    before = {name: value.clone() for name, value in nano.state_dict().items()}
    take_step(nano, models["glcic"], RECIPE.phases[number], *pair)
    changed = {name for name, value in nano.state_dict().items() if not torch.equal(value, before[name])}
    # biases of convolutions have no gradient, because batch norm subtracts the mean
    learned = {name for name in before if name.endswith(("norm.weight", "norm.running_var", "conv.weight"))}
    trained = {"generator", "discriminator"} - {frozen}
    assert {name.partition(".")[0] for name in changed} == trained
    assert {name for name in learned if name.partition(".")[0] in trained} <= changed
