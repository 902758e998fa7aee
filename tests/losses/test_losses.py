"""The shared loss terms against numbers worked out by hand."""

import pytest
import torch
from torch import Tensor, nn

from bench_core.losses.perceptual import feature_l1, gram, gram_l1, perceptual, style
from bench_core.losses.reconstruction import hole_l1, l1, l2, valid_l1
from bench_core.losses.smoothness import tv
from bench_core.methods import LossContext, Method, MethodOutput, composite
from bench_core.nn import backbones
from bench_core.nn.backbones import VGG16_POOLS, Backbones, FeatureLayers, vgg_relus

BACKBONES = Backbones("random")
"""Built once, because this takes seconds."""


def context(image: Tensor, prediction: Tensor, hole: Tensor) -> LossContext:
    return LossContext(image, hole, MethodOutput(prediction), nn.Module(), BACKBONES)


def square_hole() -> LossContext:
    """Return 4 x 4 pixels with a central 2 x 2 hole; the ground truth is 0 and the prediction 1 everywhere."""
    hole = torch.zeros(1, 1, 4, 4)
    hole[..., 1:3, 1:3] = 1
    return context(torch.zeros(1, 1, 4, 4), torch.ones(1, 1, 4, 4), hole)


def test_hole_and_valid_l1_divide_by_the_whole_image():
    assert hole_l1(square_hole()).item() == 0.25
    assert valid_l1(square_hole()).item() == 0.75
    assert l1(square_hole()).item() == 1
    assert l2(square_hole()).item() == 1


def test_total_variation_is_that_of_the_composite_in_the_dilated_hole():
    assert tv(square_hole()).item() == 0.5  # 8 edges at the rim of the hole, divided by 16 pixels


def test_total_variation_ignores_pixels_further_away():
    ctx = square_hole()
    far = torch.zeros(1, 1, 8, 8)
    far[..., 0, 0] = 5
    hole = torch.zeros(1, 1, 8, 8)
    hole[..., 4:6, 4:6] = 1
    assert tv(context(far, far.clone(), hole)).item() == 0
    assert tv(ctx).item() > 0


def test_gram_matrix_is_divided_by_the_size_of_the_features():
    features = torch.tensor([1.0, 2.0]).view(1, 2, 1, 1)
    assert gram(features).tolist() == [[[0.5, 1], [1, 2]]]
    assert gram(features).abs().mean().item() == 1.125


def test_perceptual_and_style_are_zero_for_the_ground_truth_only():
    torch.manual_seed(0)
    image, hole = torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32)
    for term in (perceptual, style):
        assert term(context(image, image.clone(), hole)).item() == 0
        assert term(context(image, torch.rand(1, 3, 32, 32), hole)).item() > 0


def test_perceptual_and_style_are_the_papers_sums():
    torch.manual_seed(0)
    image, prediction = torch.rand(2, 2, 3, 32, 32).unbind()
    hole = (torch.rand(2, 1, 32, 32) > 0.5).float()
    ctx = context(image, prediction, hole)
    vgg = BACKBONES.get("vgg16")
    mean, std = torch.tensor([[0.485, 0.456, 0.406], [0.229, 0.224, 0.225]]).view(2, 3, 1, 1).unbind()

    def pools(x: Tensor) -> list[Tensor]:
        x = (x - mean) / std
        return [vgg[:5](x), vgg[:10](x), vgg[:17](x)]

    expected_perceptual = expected_style = torch.zeros(())
    for compared in (prediction, composite(image, hole, prediction)):
        for found, wanted in zip(pools(compared), pools(image), strict=True):
            expected_perceptual = expected_perceptual + (found - wanted).abs().mean()
            c, h, w = found.shape[1:]
            grams = [torch.einsum("bchw,bdhw->bcd", f, f) / (c * h * w) for f in (found, wanted)]
            expected_style = expected_style + (grams[0] - grams[1]).abs().mean()
    torch.testing.assert_close(perceptual(ctx), expected_perceptual)
    torch.testing.assert_close(style(ctx), expected_style)


def test_features_are_computed_once_and_those_of_the_ground_truth_carry_no_gradient(monkeypatch: pytest.MonkeyPatch):
    calls = []
    plain = Backbones.features
    monkeypatch.setattr(Backbones, "features", lambda self, layers, x: calls.append(layers) or plain(self, layers, x))
    ctx = context(torch.rand(1, 3, 32, 32), torch.rand(1, 3, 32, 32, requires_grad=True), torch.ones(1, 1, 32, 32))
    (perceptual(ctx) + style(ctx)).backward()
    assert len(calls) == 3  # image, prediction, composite
    assert not any(found.requires_grad for found in ctx.features(VGG16_POOLS, "image"))
    assert ctx.features(VGG16_POOLS, "prediction")[0].requires_grad
    ctx.clear_cache()
    assert len(calls) == 3 and ctx.features(VGG16_POOLS, "image") and len(calls) == 4


def test_distances_are_those_of_the_layers_and_images_asked_for():
    torch.manual_seed(0)
    image, prediction = torch.rand(2, 2, 3, 32, 32).unbind()
    hole = (torch.rand(2, 1, 32, 32) > 0.5).float()
    ctx = context(image, prediction, hole)
    pool2 = FeatureLayers("vgg16", (9,))
    found, wanted, pasted = (ctx.features(VGG16_POOLS, name)[1] for name in ("prediction", "image", "composite"))
    shared = feature_l1(ctx, pool2, ("prediction",), within=VGG16_POOLS)
    torch.testing.assert_close(shared, (found - wanted).abs().mean())
    torch.testing.assert_close(feature_l1(ctx, pool2, ("prediction",)), shared)
    grams = (gram(found) - gram(wanted)).abs().mean() + (gram(pasted) - gram(wanted)).abs().mean()
    torch.testing.assert_close(gram_l1(ctx, pool2), grams)


@pytest.mark.parametrize("name", ["vgg16", "vgg19"])
def test_relus_are_found_by_their_names(name: str):
    """Count the convolutions of each block up to its pool."""
    block, conv, places = 1, 0, {}
    for index, layer in enumerate(BACKBONES.get(name)):
        conv += isinstance(layer, nn.Conv2d)
        if isinstance(layer, nn.ReLU):
            places[f"relu{block}_{conv}"] = index
        if isinstance(layer, nn.MaxPool2d):
            block, conv = block + 1, 0
    assert len(places) == int(name[3:]) - 3
    assert all(vgg_relus(name, relu).layers == (index,) for relu, index in places.items())
    assert vgg_relus(name, "relu3_1", "relu1_2", "relu3_1").layers == (places["relu1_2"], places["relu3_1"])
    with pytest.raises(AssertionError, match="relu2_3"):
        vgg_relus(name, "relu2_3")


def test_pools_of_a_backbone_may_be_averages_of_the_pixels_inside():
    pool1 = FeatureLayers("vgg16", (4,), pooling="average")
    image = torch.rand(1, 3, 5, 5)
    (pooled,) = BACKBONES.features(pool1, image)
    (whole,) = BACKBONES.features(FeatureLayers("vgg16", (3,)), image)
    assert pooled.shape[2:] == (3, 3)
    torch.testing.assert_close(pooled[..., 0, 1], whole[..., :2, 2:4].mean(dim=(2, 3)))
    torch.testing.assert_close(pooled[..., 0, 2], whole[..., :2, 4].mean(dim=2))
    torch.testing.assert_close(pooled[..., 2, 2], whole[..., 4, 4])


def test_gram_matrices_are_computed_in_32_bits_under_autocast():
    features = torch.rand(1, 4, 16, 16) + 100
    with torch.autocast("cpu", torch.bfloat16):
        found = gram(features)
    assert torch.equal(found, gram(features))
    assert gram(features.bfloat16()).dtype == torch.float32


def test_a_random_backbone_is_reproducible_and_leaves_the_random_state_unchanged():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, second = backbones.build("vgg16", "random"), backbones.build("vgg16", "random")
    assert torch.get_rng_state().equal(before)
    assert all(a.equal(b) for a, b in zip(first.parameters(), second.parameters(), strict=True))
    assert not any(parameter.requires_grad for parameter in first.parameters())


def test_the_composite_keeps_known_pixels_bit_for_bit():
    image, prediction = torch.rand(2, 1, 3, 8, 8).unbind()
    hole = (torch.rand(1, 1, 8, 8) > 0.5).float()
    result = composite(image, hole, prediction)
    known = hole.expand_as(image) == 0
    assert result[known].equal(image[known])
    assert result[~known].equal(prediction[~known])


def test_a_detached_context_passes_no_gradient_to_the_generator():
    prediction = torch.rand(1, 3, 8, 8, requires_grad=True)
    ctx = LossContext(
        torch.rand(1, 3, 8, 8), torch.ones(1, 1, 8, 8), MethodOutput(prediction, prediction), Method(), Backbones()
    )
    assert ctx.composite.requires_grad
    detached = ctx.detached()
    assert not any(x.requires_grad for x in (detached.prediction, detached.coarse, detached.composite))


def test_a_backbone_in_bfloat16_gives_nearly_the_same_features_in_32_bits() -> None:
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    exact, rounded = (Backbones("random", bf16=bf16).features(VGG16_POOLS, image) for bf16 in (False, True))
    for one, other in zip(exact, rounded, strict=True):
        assert one.dtype == other.dtype == torch.float32
        assert 1e-4 < (one - other).norm() / one.norm() < 0.02
