"""Numbers of the published method: each test states one fact that an implementation must reproduce."""

import pytest
import torch
from torch import nn

from bench_core.losses.adversarial import hinge_discriminator, hinge_generator
from bench_core.methods import LossContext, MethodOutput, composite
from bench_core.nn.backbones import Backbones
from bench_gated import losses
from bench_gated.attention import ContextualAttention, attend, fuse, match, sampled, shrink, usable_keys
from bench_gated.layers import GatedConv2d, PaddedConv2d, same_padding
from bench_gated.model import Gated, build, build_guided


@pytest.fixture(scope="module")
def published() -> Gated:
    return build("paper", 3).eval()


def num_parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def test_fact_01_networks_have_the_published_number_of_parameters(published: Gated) -> None:
    assert num_parameters(published.generator) == 4_052_478
    assert num_parameters(published.generator.coarse) == 1_631_151
    assert num_parameters(published.generator.refinement) == 2_421_327
    assert num_parameters(published.discriminator) == 5_946_816


def test_fact_01_guided_networks_have_the_published_number_of_parameters() -> None:
    with torch.device("meta"):
        guided = build_guided("paper", 3)
    assert num_parameters(guided.generator) == 4_053_678
    assert num_parameters(guided.discriminator) == 5_948_416


def test_fact_01_the_wiring_of_mmagic_has_its_number_of_parameters() -> None:
    with torch.device("meta"):
        generator = build("paper", 3, wiring="mmagic").generator
    assert num_parameters(generator) == 4_414_908


@torch.no_grad()
def test_fact_02_outputs_have_the_published_sizes_and_ranges(published: Gated) -> None:
    hole = torch.zeros(1, 1, 256, 256)
    hole[..., 64:192, 64:192] = 1
    masked = (2 * torch.rand(1, 3, 256, 256) - 1) * (1 - hole)
    for canvas in published.generator(masked, hole):
        assert canvas.shape == (1, 3, 256, 256)
        assert canvas.abs().max() <= 1
    assert published.discriminator(masked, hole).shape == (1, 4096)


@pytest.mark.parametrize(("feature", "expected"), [(1.0, 0.5), (-1.0, -0.316060)])
@torch.no_grad()
def test_fact_03_a_gate_of_logit_0_halves_the_activated_feature(feature: float, expected: float) -> None:
    layer = GatedConv2d(1, 1, kernel_size=1)
    layer.weight.copy_(torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
    assert layer(torch.full((1, 1, 1, 1), feature)).item() == pytest.approx(expected, abs=1e-6)


def test_fact_04_shrinking_aligns_corners() -> None:
    assert sampled(8, 4, align_corners=True) == [0, 2, 5, 7]
    assert sampled(16, 8, align_corners=True) == [0, 2, 4, 6, 9, 11, 13, 15]
    assert sampled(8, 4, align_corners=False) == [0, 2, 4, 6]
    assert sampled(10, 5, align_corners=True) == [0, 2, 5, 7, 9]  # 4.5 rounds up
    assert sampled(2, 1, align_corners=True) == [0]


@pytest.mark.parametrize("fused", [True, False])
def test_fact_05_attention_rebuilds_ones_with_a_darker_border(fused: bool) -> None:
    rebuilt = ContextualAttention(fuse=fused)(torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 16, 16))
    edge, inner = [0.25, 0.5, 0.5, 0.25], [0.5, 1, 1, 0.5]
    torch.testing.assert_close(rebuilt, torch.tensor([[[edge, inner, inner, edge]]]), atol=1e-4, rtol=0)


def test_fact_05_the_first_query_of_a_map_of_ones_copies_itself() -> None:
    small = shrink(torch.ones(1, 1, 4, 4), (2, 2), align_corners=True)
    scores = match(small, small)
    weights = attend(scores, torch.ones(1, 1, 4), "zero")
    torch.testing.assert_close(weights[0, 0], torch.tensor([0.99991, 4.54e-5, 4.54e-5, 3.06e-7]), atol=1e-5, rtol=1e-3)
    assert not torch.equal(fuse(scores, 2), scores)


@pytest.mark.parametrize("mask_logit", ["zero", "-inf"])
def test_fact_06_attention_over_nothing_but_hole_is_exactly_zero(mask_logit: str) -> None:
    features = torch.randn(2, 3, 8, 12, requires_grad=True)
    rebuilt = ContextualAttention(mask_logit=mask_logit)(features, torch.ones(2, 1, 32, 48))
    assert torch.equal(rebuilt, torch.zeros_like(features))
    rebuilt.sum().backward()
    assert features.grad is not None and features.grad.isfinite().all()


def test_fact_07_the_hinge_has_its_published_values() -> None:
    real, fake = torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.5])
    assert hinge_discriminator(real, fake).item() == 0.625
    assert hinge_generator(fake).item() == 0.75


class BrightScorer(nn.Module):
    """Scores (2, 0) for white images and (-2, 0.5) for black ones."""

    def forward(self, image: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
        white = image.mean(dim=(1, 2, 3)).view(-1, 1) > 0
        return torch.where(white, torch.tensor([2.0, 0.0]), torch.tensor([-2.0, 0.5]))


def test_fact_07_the_loss_terms_have_its_published_values() -> None:
    method = build("nano", 3)
    method.discriminator = BrightScorer()  # pyright: ignore[reportAttributeAccessIssue]
    white = torch.ones(1, 3, 8, 8)
    output = MethodOutput(torch.zeros(1, 3, 8, 8))
    ctx = LossContext(white, torch.ones(1, 1, 8, 8), output, method, Backbones("random"))
    assert losses.discriminator(ctx).item() == 0.625
    assert losses.adversarial(ctx).item() == 0.75


@pytest.mark.parametrize(("kernel_size", "expected"), [(3, (0, 1)), (5, (1, 2))])
@torch.no_grad()
def test_fact_09_an_odd_zero_goes_behind(kernel_size: int, expected: tuple[int, int]) -> None:
    assert same_padding(256, kernel_size, 2) == expected
    layer = PaddedConv2d(1, 1, kernel_size, stride=2)
    ramp = torch.arange(1.0, 257.0)
    image = ramp.view(1, 1, -1, 1) * ramp
    padded = nn.functional.pad(image, (expected[0], expected[1]) * 2)
    for tap in range(kernel_size):
        layer.weight.zero_()[..., tap, tap] = 1
        assert torch.equal(layer(image), padded[..., tap : tap + 256 : 2, tap : tap + 256 : 2])


@torch.no_grad()
def test_fact_10_without_a_hole_the_image_comes_back_bit_for_bit() -> None:
    image, hole = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    prediction = build("nano", 3).eval().predict(image, hole)
    assert not torch.equal(prediction, image)
    assert torch.equal(composite(image, hole, prediction), image)
    assert usable_keys(hole).all()
