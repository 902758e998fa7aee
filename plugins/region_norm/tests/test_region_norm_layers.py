"""Region norm against its definition: fill the other side with the mean, normalise the batch, scale."""

import pytest
import torch
from torch import Tensor, nn
from torch.autograd import grad
from torch.nn.functional import batch_norm, conv2d

from bench_region_norm.layers import BasicRegionNorm, LearnedRegionNorm, region_norm

LAYOUTS = (torch.contiguous_format, torch.channels_last)


def published_side(x: Tensor, side: Tensor) -> Tensor:
    count = side.sum().clamp_min(1)
    mean = (x * side).sum((0, 2, 3), keepdim=True) / count
    filled = x * side + mean * (1 - side)
    return batch_norm(filled, None, None, training=True, eps=1e-5) * (count / side.numel()).sqrt()


def published(x: Tensor, region: Tensor) -> Tensor:
    return published_side(x, region) + published_side(x, 1 - region)


def features(region: Tensor, layout: torch.memory_format = torch.contiguous_format) -> Tensor:
    """Draw features whose means and deviations differ between sides and channels."""
    batch, _, height, width = region.shape
    x = torch.randn(batch, 6, height, width, dtype=torch.double)
    x = x * torch.logspace(-3, 1, 6).view(-1, 1, 1) * (1 + 2 * region) + torch.randn(6, 1, 1) - 3 * region
    return x.contiguous(memory_format=layout)


def holes() -> dict[str, Tensor]:
    box, pixel = torch.zeros(2, 1, 9, 8, dtype=torch.double), torch.zeros(2, 1, 9, 8, dtype=torch.double)
    box[0, :, 2:7, 3:] = box[1, :, :2] = pixel[1, :, 4, 4] = 1
    return {"box": box, "pixel": pixel, "all but one": 1 - pixel, "empty": 0 * box, "full": 0 * box + 1}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", holes())
def test_values_and_gradients_are_those_of_the_definition(name: str, layout: torch.memory_format):
    region = holes()[name]
    x = features(region, layout).requires_grad_()
    found, wanted, noise = region_norm(x, region), published(x, region), torch.randn_like(x)
    torch.testing.assert_close(found, wanted, rtol=1e-8, atol=1e-8)
    (ours,), (theirs,) = grad(found, x, noise), grad(wanted, x, noise)
    torch.testing.assert_close(ours, theirs, rtol=1e-7, atol=1e-7)
    assert found.is_contiguous(memory_format=layout) and ours.is_contiguous(memory_format=layout)


def test_fact_02_each_side_has_mean_0_and_variance_1_in_the_batch():
    region = holes()["box"]
    y = region_norm(features(region) * 1000, region).movedim(1, 0)
    for side in (region, 1 - region):
        values = y[:, side.squeeze(1).bool()]
        torch.testing.assert_close(values.mean(1), torch.zeros(6, dtype=torch.double), rtol=0, atol=1e-9)
        torch.testing.assert_close(values.var(1, correction=0), torch.ones(6, dtype=torch.double), rtol=0, atol=1e-3)


def test_fact_02_a_constant_added_inside_the_hole_changes_nothing():
    region = holes()["box"]
    x = features(region)
    torch.testing.assert_close(region_norm(x + 5 * region, region), region_norm(x, region), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", ["empty", "full"])
def test_fact_03_with_a_single_side_it_is_batch_norm(name: str):
    region = holes()[name]
    x = features(region).requires_grad_()
    y = region_norm(x, region)
    torch.testing.assert_close(y, batch_norm(x, None, None, training=True), rtol=1e-8, atol=1e-8)
    assert grad(y, x, torch.randn_like(y))[0].isfinite().all()


def test_epsilon_weighs_more_on_a_smaller_side():
    """Worked out by hand: values +-d on 2 of 100 pixels become +-d / sqrt(d^2 + 1e-5 x 50)."""
    region = torch.zeros(1, 1, 10, 10, dtype=torch.double)
    region[..., 0, :2] = 1
    x, d = torch.randn(1, 1, 10, 10, dtype=torch.double), 0.01
    x[..., 0, :2] = torch.tensor([d, -d], dtype=torch.double) + 7
    y = region_norm(x, region)[0, 0, 0, :2]
    expected = d / (d**2 + 5e-4) ** 0.5
    assert y.tolist() == pytest.approx([expected, -expected], rel=1e-6)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_large_map_with_a_large_mean_loses_no_digits(layout: torch.memory_format):
    region = torch.zeros(1, 1, 256, 256)
    region[..., :100, :] = 1
    x = (torch.randn(1, 8, 256, 256) + 3).contiguous(memory_format=layout)
    torch.testing.assert_close(
        region_norm(x, region).double(), published(x.double(), region.double()), rtol=0, atol=4e-6
    )


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sums_have_32_bits(dtype: torch.dtype):
    region = holes()["box"].float()
    x = (features(region) + 3).to(dtype).requires_grad_()
    wide = x.detach().float().requires_grad_()
    found, wanted = region_norm(x, region), region_norm(wide, region)
    torch.testing.assert_close(found, wanted.to(dtype))
    noise = torch.randn_like(found)
    (ours,), (theirs,) = grad(found, x, noise), grad(wanted, wide, noise.float())
    torch.testing.assert_close(ours.float(), theirs, rtol=0.05, atol=0.05 * theirs.abs().max().item())


def randomised(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.normal_(parameter, 0, 0.4)
    return layer.double()


@torch.no_grad()
@pytest.mark.parametrize("layout", LAYOUTS)
def test_basic_region_norm_scales_each_side_and_shifts_all_pixels_twice(layout: torch.memory_format):
    layer, hole = randomised(BasicRegionNorm(6)), torch.zeros(2, 1, 18, 16).double()
    hole[0, :, 5:11, 3:] = 1  # odd borders, which only nearest interpolation resolves in this way
    region = hole[:, :, ::2, ::2]
    x = features(region, layout)
    known, inside = (layer.get_parameter(f"{side}_gamma")[:, None, None] for side in ("known", "hole"))
    shift = (layer.get_parameter("known_beta") + layer.get_parameter("hole_beta"))[:, None, None]
    y = published(x, region)
    wanted = torch.where(region.bool(), y * (1 + inside), y * (1 + known)) + shift
    torch.testing.assert_close(layer(x, hole), wanted, rtol=1e-8, atol=1e-8)


@torch.no_grad()
def test_fact_04_basic_region_norm_starts_without_scale_and_shift():
    region = holes()["box"].float()
    x = features(region).float()
    assert torch.equal(BasicRegionNorm(6)(x, region), region_norm(x, region))


@torch.no_grad()
@pytest.mark.parametrize("threshold", [0.4, 0.8])
def test_learned_region_norm_finds_its_region_and_its_scale_and_shift_maps(threshold: float):
    layer, x = randomised(LearnedRegionNorm(threshold)), features(torch.zeros(2, 1, 9, 8).double())
    state = layer.state_dict()
    stats = torch.stack([x.mean(1), x.max(1).values], dim=1)
    response = 1 / (1 + torch.exp(-conv2d(stats, state["response_conv.weight"], padding=3)))
    region = (response >= threshold).double()
    assert 0.1 < region.mean() < 0.9
    gamma, beta = (
        conv2d(response, state[f"{name}_conv.weight"], state[f"{name}_conv.bias"], padding=3)
        for name in ("gamma", "beta")
    )
    torch.testing.assert_close(layer(x), published(x, region) * (1 + gamma) + beta, rtol=1e-8, atol=1e-8)


@torch.no_grad()
def test_a_response_equal_to_the_threshold_is_inside():
    layer, x = LearnedRegionNorm(0.5).double(), torch.randn(1, 1, 6, 8, dtype=torch.double)
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    layer.response_conv.weight[0, 0, 3, 3] = 1  # the response is the sigmoid of the channels' mean
    x = torch.cat([x, -x], dim=1)
    x[..., 4:] -= 1  # mean 0 and response 0.5 on the left half, less on the right
    left = torch.zeros(1, 1, 6, 8, dtype=torch.double)
    left[..., :4] = 1
    torch.testing.assert_close(layer(x), published(x, left), rtol=1e-8, atol=1e-8)


def test_fact_05_no_gradient_passes_through_the_threshold():
    """With scale and shift that ignore the response, its convolution gets no gradient, and x that of plain RN."""
    layer = randomised(LearnedRegionNorm(0.5))
    for name in ("gamma_conv.weight", "beta_conv.weight"):
        nn.init.zeros_(layer.get_parameter(name))
    x = features(holes()["box"]).requires_grad_()
    noise, regions = torch.randn_like(x), []
    layer.get_submodule("response_conv").register_forward_hook(lambda *call: regions.append(call[2] >= 0))
    (found,) = grad(layer(x), x, noise)
    region = regions[0].double()
    assert 0 < region.mean() < 1
    scale = 1 + layer.get_parameter("gamma_conv.bias")
    (wanted,) = grad(published(x, region) * scale, x, noise)
    torch.testing.assert_close(found, wanted, rtol=1e-7, atol=1e-7)


@torch.no_grad()
def test_layers_compute_in_32_bits_under_autocast():
    region = holes()["box"].float()
    x = features(region).bfloat16()
    basic, learned = randomised(BasicRegionNorm(6)).float(), randomised(LearnedRegionNorm(0.5)).float()
    with torch.autocast("cpu", torch.bfloat16):
        found = basic(x, region), learned(x)
    for one, wanted in zip(found, (basic(x.float(), region), learned(x.float())), strict=True):
        assert one.dtype == torch.bfloat16
        torch.testing.assert_close(one.float(), wanted, rtol=2**-7, atol=2**-7)
