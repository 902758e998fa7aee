"""Facts about the published method, one test each. The numbers are published or worked out by hand."""

import pytest
import torch
from torch import nn

from bench_aot_gan import losses
from bench_aot_gan.layers import AOTBlock, gate_values
from bench_aot_gan.model import AOTGAN, build
from bench_core.errors import BadInput
from bench_core.nn.spectral_norm import SpectralNormConv2d


@pytest.fixture(scope="module")
def published() -> AOTGAN:
    with torch.device("meta"):
        return build("paper", 3)


def count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_networks_have_the_published_numbers_of_parameters(published):
    assert count(published.generator) == 15_200_835
    assert len(published.generator.state_dict()) == 108
    assert count(published.discriminator) == 2_763_777
    assert len(published.discriminator.state_dict()) == 14


def logit(gate: torch.Tensor) -> torch.Tensor:
    return (gate / (1 - gate)).log()


@pytest.mark.parametrize("spread", [0.1, 1, 100])
def test_fact_02_the_gates_logit_has_mean_minus_5_and_deviation_10_in_each_map(spread):
    v = spread * torch.randn(2, 3, 7, 5, dtype=torch.double) + torch.randn(2, 3, 1, 1)
    found = logit(gate_values(v)).flatten(2)
    torch.testing.assert_close(found.mean(2), torch.full((2, 3), -5.0, dtype=torch.double), rtol=0, atol=1e-6)
    unbiased = found.std(2, correction=1)
    torch.testing.assert_close(unbiased, torch.full((2, 3), 10.0, dtype=torch.double), rtol=1e-6, atol=0)


def test_fact_03_the_gate_of_a_constant_map_is_nearly_shut_and_its_gradient_finite():
    v = torch.full((1, 2, 8, 8), 3.0, requires_grad=True)
    gate = gate_values(v)
    torch.testing.assert_close(gate, torch.full_like(gate, 0.0066929), rtol=0, atol=1e-6)
    gate.sum().backward()
    assert v.grad is not None and v.grad.isfinite().all()


def test_the_deviation_of_a_nearly_constant_map_is_increased_by_1e_9():
    """Epsilon is added to the deviation, not to the variance, where it would weigh 3e-5."""
    v = torch.tensor([1.0, -1.0, 0.0, 0.0], dtype=torch.double).view(1, 1, 2, 2) * 1e-9
    deviation = (2e-18 / 3) ** 0.5
    wanted = 10 * v / (deviation + 1e-9) - 5
    torch.testing.assert_close(logit(gate_values(v)), wanted, rtol=1e-6, atol=1e-6)


def test_the_gate_counts_in_32_bits_under_autocast():
    v = torch.randn(1, 2, 64, 64) * 0.01 + 3
    rounded = v.bfloat16()
    with torch.autocast("cpu", torch.bfloat16):
        found = gate_values(rounded)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), gate_values(rounded.float()), rtol=2**-8, atol=0)


@torch.no_grad()
def test_fact_04_outputs_are_in_minus_one_to_one_and_known_pixels_return_unchanged(nano, scramble, pair, make_context):
    image, hole = pair
    nano.generator.get_parameter("decoder.6.weight").mul_(1000)
    prediction = scramble(nano)(image * (1 - hole), hole).prediction
    assert 0 <= prediction.min() < 0.4 and 0.6 < prediction.max() <= 1
    ctx = make_context(image, prediction, hole)
    known = hole.expand_as(image) == 0
    assert torch.equal(ctx.composite[known], image[known])
    assert not torch.equal(prediction[known], image[known])


@torch.no_grad()
def test_fact_05_hidden_pixels_do_not_matter(nano, scramble, pair):
    image, hole = pair
    wanted = scramble(nano)(image * (1 - hole), hole).prediction
    assert torch.equal(nano(torch.where(hole.bool(), 0.7, image), hole).prediction, wanted)


def test_fact_06_the_discriminator_scores_62_x_62_patches_of_512_and_6_x_6_of_64(published):
    assert published.discriminator(torch.empty(1, 3, 512, 512, device="meta")).shape == (1, 1, 62, 62)
    assert published.discriminator(torch.empty(1, 3, 64, 64, device="meta")).shape == (1, 1, 6, 6)


def test_fact_07_images_have_36_pixels_a_side_or_more(published, nano):
    def predict(method: AOTGAN, height: int, width: int) -> torch.Size:
        with torch.device("cpu" if method is nano else "meta"):
            return method(torch.zeros(1, 3, height, width), torch.zeros(1, 1, height, width)).prediction.shape

    assert predict(published, 36, 40) == (1, 3, 36, 40)
    assert predict(nano, 20, 24) == (1, 3, 20, 24)
    for method, height, width in ((published, 32, 40), (published, 40, 32), (nano, 16, 16)):
        with pytest.raises(BadInput, match=rf"{height} x {width} pixels.*{method.min_side} or more"):
            predict(method, height, width)


def test_fact_08_four_branches_of_a_quarter_make_the_width(published):
    for method, width, rates in ((published, 256, (1, 2, 4, 8)), (build("nano", 3), 32, (1, 2, 3, 4))):
        for block in method.generator.blocks:
            assert isinstance(block, AOTBlock)
            assert [branch.out_channels for branch in block.branches] == [width // 4] * 4
            assert [branch.dilation for branch in block.branches] == [(rate, rate) for rate in rates]
            assert block.fuse.in_channels == block.fuse.out_channels == block.gate.out_channels == width
    assert len(published.generator.blocks) == 8


def test_fact_09_with_released_labels_the_generators_term_ignores_the_hole(pair, make_context):
    image, hole = pair
    method = build("nano", 3, labels="released").eval()
    values = []
    for holes in (hole, hole.flip(2)):
        ctx = make_context(image, image, holes, method)
        values.append(losses.adversarial(ctx))
    assert torch.equal(*values)
    scores = method.discriminator(2 * image - 1)
    enlarged = nn.functional.interpolate(scores, (32, 48), mode="bilinear", align_corners=True)
    torch.testing.assert_close(values[0], (enlarged - 1).square().mean())


def test_only_the_discriminators_last_layer_has_a_bias_and_no_spectral_norm(published):
    *others, last = (layer for layer in published.discriminator.layers if isinstance(layer, nn.Conv2d))
    assert all(isinstance(layer, SpectralNormConv2d) and layer.bias is None for layer in others)
    assert type(last) is nn.Conv2d and last.bias is not None
