"""Facts about the paper's method, one test each. The numbers are published or worked out by hand."""

import pytest
import torch
from torch import nn
from torch.nn.functional import instance_norm, relu

from bench_dmfn import losses
from bench_dmfn.layers import DMFB, build_block
from bench_dmfn.model import Discriminator, Generator, build

W = (0.244140625, 0.06103515625, 0.0152587890625, 0.003814697265625, 0.003814697265625)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_parameter_counts_are_those_published():
    with torch.device("meta"):
        assert count(DMFB(256)) == 471_808
        assert count(DMFB(256, "no_k")) == 361_024
        assert count(DMFB(256, "no_combination")) == 361_024
        assert count(DMFB(256, "released")) == 885_312
        assert count(Generator(64, block="released")) == 9_037_443
        paper = build("paper", 3)
    assert count(paper.generator) == 5_729_411
    assert count(paper.generator.get_submodule("encoder")) == 523_072
    assert count(paper.generator.get_submodule("decoder")) == 1_431_875
    assert count(paper.discriminator) == 36_673_025


@pytest.mark.parametrize("rate", ["rate2", "rate8"])
def test_the_published_count_of_plain_blocks_includes_a_squeeze_that_does_not_fit(rate: str):
    """Table 2 says 803 392. A convolution of full width does not fit behind the DMFB's squeeze to a quarter of it."""
    with torch.device("meta"):
        squeeze = DMFB(256).c1
        assert count(build_block(rate, 256)) == 655_872 == 803_392 - count(squeeze)


def test_fact_02_the_generator_keeps_the_size_and_predicts_values_in_minus_one_to_one():
    generator, shapes = Generator(64), []
    generator.blocks.register_forward_hook(lambda module, given, out: shapes.append((given[0].shape, out.shape)))
    with torch.no_grad():
        generator.get_parameter("decoder.3.conv.weight").mul_(1000)
        prediction = generator(torch.rand(1, 4, 64, 64))
    assert prediction.shape == (1, 3, 64, 64)
    assert 0.99 < prediction.abs().max() <= 1
    assert prediction.min() < 0 < prediction.max()
    assert shapes == [((1, 256, 16, 16), (1, 256, 16, 16))]


def test_fact_03_the_block_has_four_dilated_convolutions_and_three_behind_their_sums():
    block = DMFB(32)
    rates = {name: conv.dilation for name, conv in block.named_children() if isinstance(conv, nn.Conv2d)}
    assert [rates[f"d{i}"] for i in (1, 2, 3, 4)] == [(1, 1), (2, 2), (4, 4), (8, 8)]
    assert [name for name in rates if name[0] == "k"] == ["k2", "k3", "k4"]
    assert all(rates[name] == (1, 1) for name in ("c1", "k2", "k3", "k4", "c2"))
    inputs = []
    block.k2.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    squeezed = torch.randn(2, 8, 12, 12)
    x1, x2 = (relu(instance_norm(conv(squeezed))) for conv in (block.d1, block.d2))
    combined = block.combine(squeezed)
    torch.testing.assert_close(inputs[0], x1 + x2)
    torch.testing.assert_close(combined[:, :8], x1)


def test_fact_04_layers_weigh_1000_over_their_squared_width():
    assert losses.LAYER_WEIGHTS == W


def test_fact_05_the_guidance_map_is_the_stretched_squared_error(make_context, features):
    image = torch.full((1, 3, 2, 2), 0.25)
    error = torch.tensor([[1.0, 0.5], [0.0, 0.0]]) / 2  # 1 and 0.5 in units of [-1, 1]
    backbones = features(lambda x: [f * x.mean() for f in (torch.ones(1, 64, 2, 2), torch.ones(1, 128, 1, 1))])
    ctx = make_context(image, image + error, backbones=backbones)
    torch.testing.assert_close(losses.guidance(ctx), torch.tensor([[[[1, 0.25], [0, 0]]]]), rtol=0, atol=0)
    # every element of both layers differs by the mean error 0.1875, and both maps average 0.3125
    torch.testing.assert_close(losses.self_guided(ctx), torch.tensor(0.3125 * 0.1875 * (W[0] + W[1])))


def delta(row: int, column: int, height: int = 4, width: int = 4) -> torch.Tensor:
    features = torch.zeros(1, 1, height, width)
    features[..., row, column] = 1
    return features


def test_fact_06_centres_of_mass_are_in_coordinates_from_minus_one(make_context, features):
    torch.testing.assert_close(losses.centres(delta(1, 1))[0, 0], torch.tensor([-0.5, -0.5]), rtol=0, atol=1e-5)
    torch.testing.assert_close(losses.centres(delta(3, 1))[0, 0], torch.tensor([-0.5, 0.5]), rtol=0, atol=1e-5)
    torch.testing.assert_close(losses.centres(torch.ones(1, 1, 4, 4))[0, 0], torch.tensor([-0.25, -0.25]))
    torch.testing.assert_close(losses.centres(torch.zeros(1, 1, 4, 4))[0, 0], torch.tensor([-0.25, -0.25]))
    ctx = make_context(delta(1, 1), delta(3, 1), backbones=features(lambda x: [x.flip(3) * 0.1] * 3 + [x, x.flip(2)]))
    assert losses.align(ctx).item() == pytest.approx(0.5, abs=1e-5)


def test_fact_07_the_relativistic_average_loss(make_context, fixed_discriminator):
    ctx = make_context(torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8))
    ctx.method.discriminator = fixed_discriminator(
        (torch.tensor([[1.0], [3.0]]), []), (torch.tensor([[0.0], [-2.0]]), [])
    )
    assert losses.discriminator(ctx).item() == pytest.approx(0.072539, abs=1e-6)
    assert losses.adversarial(ctx).item() == pytest.approx(3.072539, abs=1e-6)


def test_fact_08_a_perfect_prediction_costs_nothing_and_every_gradient_is_finite(make_context, nano, centre_hole):
    image = torch.rand(2, 3, 32, 32)
    prediction = image.clone().requires_grad_()
    ctx = make_context(image, prediction, centre_hole, nano.train())
    free = [losses.mae, losses.self_guided, losses.fm_vgg, losses.fm_dis, losses.align]
    assert [term(ctx).item() for term in free] == [0] * 5
    assert losses.adversarial(ctx).item() > 0
    torch.stack([term(ctx) for term in (*free, losses.adversarial)]).sum().backward()
    assert prediction.grad is not None and prediction.grad.isfinite().all()


def test_fact_09_known_pixels_are_those_of_the_input_and_have_no_gradient(make_context, nano, centre_hole):
    image = torch.rand(2, 3, 32, 32)
    prediction = torch.rand(2, 3, 32, 32, requires_grad=True)
    ctx = make_context(image, prediction, centre_hole)
    known = centre_hole.expand_as(image) == 0
    assert torch.equal(ctx.composite[known], image[known])
    losses.mae(ctx).backward()
    assert prediction.grad is not None
    assert prediction.grad[known].eq(0).all() and prediction.grad[~known].ne(0).all()


def test_fact_10_the_discriminator_gives_a_score_and_five_local_maps():
    with torch.no_grad():
        score, maps = Discriminator(64).eval()(torch.rand(1, 3, 256, 256), torch.rand(1, 3, 128, 128))
    assert score.shape == (1, 1)
    assert [tuple(one.shape[1:]) for one in maps] == [
        (64, 64, 64), (128, 32, 32), (256, 16, 16), (512, 8, 8), (512, 4, 4)
    ]  # fmt: skip
