"""Facts about the paper's method, one test each. The numbers are published or worked out by hand."""

import pytest
import torch
from torch import nn

from bench_context_encoder import losses
from bench_context_encoder.model import ContextEncoder, Discriminator, Generator, build, build_random_region
from bench_context_encoder.patch import supports_hole
from bench_core.methods import composite


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def count_with_biases(module: nn.Module) -> int:
    """Count as if every convolution had a bias."""
    convs = [one for one in module.modules() if isinstance(one, nn.Conv2d | nn.ConvTranspose2d)]
    assert all(conv.bias is None for conv in convs)
    return count(module) + sum(conv.out_channels for conv in convs)


@pytest.fixture
def paper() -> ContextEncoder:
    with torch.device("meta"):
        return build("paper", 3)


def test_fact_01_a_patch_of_64_pixels_is_predicted_and_scored():
    generator, discriminator = Generator(128, 64, bottleneck=100).eval(), Discriminator(64)
    with torch.no_grad():
        generator.get_parameter("deconv64.conv.weight").mul_(1e6)
        patch = generator(torch.rand(1, 3, 128, 128))
        probability = discriminator(torch.rand(2, 3, 64, 64)).sigmoid()
    assert patch.shape == (1, 3, 64, 64)
    assert patch.min() < -0.9 and patch.max() > 0.9 and patch.abs().max() <= 1
    assert probability.shape == (2, 1)
    assert probability.gt(0).all() and probability.lt(1).all()


def test_fact_02_parameter_counts(paper: ContextEncoder):
    assert count(paper.generator) == 71_124_544 and count_with_biases(paper.generator) == 71_130_531
    assert count(paper.discriminator) == 2_765_568 and count_with_biases(paper.discriminator) == 2_766_529
    with torch.device("meta"):
        whole = build_random_region("paper", 3)
        assert count_with_biases(Generator(128, 64, bottleneck=100)) == 7_221_231
    assert count(whole.generator) == 71_190_208 and count_with_biases(whole.generator) == 71_196_259
    assert count(whole.discriminator) == 2_831_232 and count_with_biases(whole.discriminator) == 2_832_257


def test_fact_03_the_ring_has_ten_times_the_weight(make_context, papers_hole, paper):
    wrong = torch.full((1, 3, 128, 128), 0.5, requires_grad=True)  # 0 in [-1, 1], where the image is 1
    cost = losses.reconstruction(make_context(torch.ones(1, 3, 128, 128), wrong, papers_hole, paper))
    cost.backward()
    assert wrong.grad is not None
    gradient = (wrong.grad / wrong.grad[0, 0, 64, 64])[0, 0]
    values, counts = gradient.unique(return_counts=True)
    assert dict(zip(values.tolist(), counts.tolist(), strict=True)) == {0: 128**2 - 64**2, 1: 3136, 10: 960}
    inner = gradient[32:96, 32:96][4:60, 4:60]
    assert inner.eq(1).all()
    assert cost.item() == 3.109375
    assert 0.999 * cost.item() == pytest.approx(3.106265625, abs=1e-12)


def test_fact_04_the_hole_of_an_overlap_of_4_is_supported_and_one_pixel_less_is_not(papers_hole):
    hole = papers_hole[0, 0].byte().numpy()
    assert hole.sum() == 56 * 56 == 3136
    assert supports_hole(hole) == ""
    hole[36, 36] = 0
    assert "36 to 91" in supports_hole(hole)


def test_fact_05_hidden_pixels_are_filled_with_the_official_colour(nano, centre_hole):
    inputs = []
    nano.generator.register_forward_pre_hook(lambda module, given: inputs.append(given[0]))
    nano(torch.rand(2, 3, 64, 64), centre_hole)
    wanted = torch.tensor([-0.082353, -0.184314, -0.035294]).view(3, 1, 1).expand(2, 3, 32, 32)
    torch.testing.assert_close(inputs[0][..., 16:48, 16:48], wanted, rtol=0, atol=1e-6)


def test_fact_06_an_undecided_discriminator_costs_log_2(make_context, centre_hole, nano):
    nn.init.zeros_(nano.discriminator.get_parameter("score.weight"))  # every score is 0, a probability of 1/2
    image = torch.rand(2, 3, 64, 64)
    ctx = make_context(image, 1 - image, centre_hole, nano)
    assert 0.001 * losses.adversarial(ctx).item() == pytest.approx(0.000693, abs=5e-7)
    assert losses.discriminator(ctx).item() == pytest.approx(2 * 0.693147, abs=1e-6)


def test_fact_07_pasting_changes_no_pixel_outside_the_hole(papers_hole):
    method, image = build("paper", 3, bottleneck=4).eval(), torch.rand(1, 3, 128, 128)
    with torch.no_grad():
        prediction = method.predict(image * (1 - papers_hole), papers_hole)
    changed = (composite(image, papers_hole, prediction) != image).any(dim=1)[0].nonzero()
    assert changed.amin(dim=0).tolist() == [36, 36] and changed.amax(dim=0).tolist() == [91, 91]
    predicted = (prediction != image * (1 - papers_hole)).any(dim=1)[0].nonzero()  # with the ring, which is not pasted
    assert predicted.amin(dim=0).tolist() == [32, 32] and predicted.amax(dim=0).tolist() == [95, 95]


def test_fact_08_batch_norm_follows_all_convolutions_except_the_first_and_the_last(paper: ContextEncoder):
    generator = [hasattr(layer, "norm") for layer in paper.generator.children()]
    assert generator == [False, *[True] * 9, False]
    *layers, score = paper.discriminator.children()
    assert [hasattr(layer, "norm") for layer in layers] == [False, True, True, True]
    assert isinstance(score, nn.Conv2d)
