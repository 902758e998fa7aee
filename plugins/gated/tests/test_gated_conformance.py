"""Numbers of the published method: each test states a fact that an implementation must reproduce.

Facts 4 to 6 and 9 concern shared layers: see test_contextual_attention.py and test_conv.py in tests/nn.
"""

import pytest
import torch
from torch import nn

from bench_core.losses.adversarial import hinge_discriminator, hinge_generator
from bench_core.methods import LossContext, MethodOutput, composite
from bench_core.nn.backbones import Backbones
from bench_gated import losses
from bench_gated.layers import GatedConv2d
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
    for image in published.generator(masked, hole):
        assert image.shape == (1, 3, 256, 256)
        assert image.abs().max() <= 1
    assert published.discriminator(masked, hole).shape == (1, 4096)


@pytest.mark.parametrize(("feature", "expected"), [(1.0, 0.5), (-1.0, -0.316060)])
@torch.no_grad()
def test_fact_03_a_gate_of_logit_0_halves_the_activated_feature(feature: float, expected: float) -> None:
    layer = GatedConv2d(1, 1, kernel_size=1)
    layer.weight.copy_(torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
    assert layer(torch.full((1, 1, 1, 1), feature)).item() == pytest.approx(expected, abs=1e-6)


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


@torch.no_grad()
def test_fact_10_without_a_hole_the_image_comes_back_bit_for_bit() -> None:
    image, hole = torch.rand(1, 3, 32, 32), torch.zeros(1, 1, 32, 32)
    prediction = build("nano", 3).eval().predict(image, hole)
    assert not torch.equal(prediction, image)
    assert torch.equal(composite(image, hole, prediction), image)
