"""The loss terms against numbers worked out by hand, their inputs and their gradients."""

import numpy as np
import pytest
import torch
from torch import nn

import bench_dmfn
from bench_core.errors import BadInput
from bench_core.nn.backbones import IMAGENET_MEAN, IMAGENET_STD
from bench_core.specs import resolve
from bench_dmfn import losses
from bench_dmfn.model import build
from bench_dmfn.recipe import RECIPE

W = (0.244140625, 0.06103515625, 0.0152587890625, 0.003814697265625, 0.003814697265625)
PRIVATE = {loss.name: resolve(loss.term) for loss in bench_dmfn.bench_models()[0].losses}
PUBLIC = {loss.name: resolve(loss.term) for loss in bench_dmfn.bench_losses()}


def test_terms_that_need_only_vgg_are_public():
    assert list(PUBLIC) == ["self_guided", "fm_vgg", "align"]
    assert list(PRIVATE) == ["mae", "fm_dis", "adversarial", "discriminator"]
    assert all(loss.backbone == "vgg19" for loss in bench_dmfn.bench_losses())
    assert all(loss.backbone is None for loss in bench_dmfn.bench_models()[0].losses)


def test_the_recipe_is_the_papers():
    assert bench_dmfn.bench_models()[0].recipe is RECIPE
    assert (RECIPE.batch, RECIPE.steps) == (16, 100_000)
    (phase,) = RECIPE.phases
    ((generator, discriminator),) = phase.rounds
    assert (generator.network, discriminator.network) == ("generator", "discriminator")
    assert dict(generator.losses) == {
        "mae": 1, "self_guided": 25, "fm_vgg": 25, "fm_dis": 5, "adversarial": 0.003, "align": 1
    }  # fmt: skip
    assert dict(discriminator.losses) == {"discriminator": 1}
    for update in (generator, discriminator):
        assert update.optimiser.name == "Adam"
        assert update.optimiser.settings == {"lr": 2e-4, "betas": (0.5, 0.999)}
        assert set(update.losses) <= {*PUBLIC, *PRIVATE}


def test_mae_counts_all_pixels_in_units_of_minus_one_to_one(make_context):
    image, hole = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    hole[..., 0, :2] = 1  # 2 of 16 pixels, wrong by 0.25 or 0.5 in [-1, 1]
    assert losses.mae(make_context(image, image + 0.25, hole)).item() == pytest.approx(0.5 * 2 / 16)


def test_feature_matching_weights_the_layers(make_context, features):
    image, hole = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    hole[..., :2] = 1
    backbones = features(lambda x: [factor * x for factor in (1, 10, 100, 1000, 10000)])
    found = losses.fm_vgg(make_context(image, image - 0.5, hole, backbones=backbones)).item()
    assert found == pytest.approx(0.25 * sum(w * 10**i for i, w in enumerate(W)))


def test_guidance_is_stretched_image_by_image_and_carries_no_gradient(make_context):
    image = torch.zeros(2, 3, 2, 2)
    prediction = torch.tensor([[[0.2, 0.1], [0.1, 0.4]], [[0.0, 0.0], [0.002, 0.001]]]).unsqueeze(1).repeat(1, 3, 1, 1)
    guide = losses.guidance(make_context(image, prediction.requires_grad_()))
    wanted = [[[0.2, 0.0], [0.0, 1.0]], [[0.0, 0.0], [1.0, 0.25]]]  # (e^2 - min) / (max - min)
    torch.testing.assert_close(guide, torch.tensor(wanted).unsqueeze(1))
    assert not guide.requires_grad


def test_self_guidance_weights_wrong_pixels(make_context, features):
    image = torch.zeros(1, 3, 4, 4)
    prediction = image.clone()
    prediction[..., 0, 0] = 0.5
    one, two = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 2, 2)
    one[..., 0, 0], one[..., 3, 3] = 2, 9  # only the wrong pixel's distance counts
    two[..., 0, 0], two[..., 1, 1] = 4, 9  # a quarter of the pooled pixel is wrong
    backbones = features(lambda x: [f * x.amax() * 2 for f in (one, two, one, one, one)])
    found = losses.self_guided(make_context(image, prediction, backbones=backbones)).item()
    assert found == pytest.approx(W[0] * 2 / 16 + W[1] * 4 * 0.25 / 4)


def test_centres_are_right_on_maps_that_are_not_square(make_context, features):
    image, prediction = torch.zeros(1, 1, 4, 8), torch.zeros(1, 1, 4, 8)
    image[..., 1, 6], prediction[..., 3, 2] = 1, 1  # (0.5, -0.5) and (-0.5, 0.5)
    torch.testing.assert_close(losses.centres(image)[0, 0], torch.tensor([0.5, -0.5]), rtol=0, atol=1e-4)
    ctx = make_context(image, prediction, backbones=features(lambda x: [0 * x, 0 * x, 0 * x, x, 0 * x]))
    assert losses.align(ctx).item() == pytest.approx(1, abs=1e-4)


def test_the_released_form_of_align_counts_the_horizontal_distance_twice(make_context, features):
    """Against its formula in numpy: the mean over channels and over the x coordinate, taken twice."""
    image, prediction = torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8)
    backbones = features(lambda x: [0 * x, 0 * x, 0 * x, x, 0 * x])
    x = np.arange(8) / 8 * 2 - 1

    def centre(maps: torch.Tensor) -> np.ndarray:
        mass = maps.double().numpy() + 1e-7
        return (mass.sum(axis=2) @ x) / mass.sum(axis=(2, 3))

    squared = (centre(prediction) - centre(image)) ** 2
    found = losses.align(make_context(image, prediction, None, build("nano", 3, align="released"), backbones))
    assert found.item() == pytest.approx(np.stack([squared, squared]).mean(), abs=1e-6, rel=1e-4)
    default = losses.align(make_context(image, prediction, None, build("nano", 3), backbones))
    assert default.item() != pytest.approx(found.item(), rel=0.01)
    with pytest.raises(BadInput, match=r"'realeased'.*released"):
        build("nano", 3, align="realeased")


def test_feature_matching_detaches_the_real_features(make_context, fixed_discriminator):
    real = [torch.zeros(2, 3, 2, 2, requires_grad=True) for _ in W]
    fake = [torch.full((2, 3, 2, 2), -(10.0**i), requires_grad=True) for i in range(5)]
    ctx = make_context(torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8))
    ctx.method.discriminator = fixed_discriminator((torch.zeros(2, 1), real), (torch.zeros(2, 1), fake))
    found = losses.fm_dis(ctx)
    assert found.item() == pytest.approx(sum(w * 10**i for i, w in enumerate(W)))
    found.backward()
    assert all(one.grad is None for one in real)
    assert all(one.grad is not None for one in fake)


def test_real_scores_have_a_gradient_for_the_discriminator_only(make_context, fixed_discriminator):
    real, fake = torch.randn(2, 1, requires_grad=True), torch.randn(2, 1, requires_grad=True)
    ctx = make_context(torch.rand(2, 3, 8, 8), torch.rand(2, 3, 8, 8))
    ctx.method.discriminator = fixed_discriminator((real, []), (fake, []))
    losses.adversarial(ctx).backward()
    assert real.grad is None and fake.grad is not None
    losses.discriminator(ctx).backward()
    assert real.grad is not None


def test_the_discriminator_runs_once_per_image_and_crops_both_at_the_same_places(make_context, nano, centre_hole):
    recorded = []
    nano.discriminator.register_forward_pre_hook(lambda module, given: recorded.append(given))
    image, hole = torch.rand(2, 3, 32, 32), torch.ones(2, 1, 32, 32)  # too large for the crop, so crops are random
    ctx = make_context(image, image.flip(0), hole, nano)
    for term in (losses.fm_dis, losses.adversarial, losses.discriminator):
        term(ctx)
    (real, real_crop), (fake, fake_crop) = recorded
    assert torch.equal(real, 2 * image - 1) and torch.equal(fake, 2 * image.flip(0) - 1)
    places = [[(i, j) for i in range(17) for j in range(17) if torch.equal(w[..., i:i+16, j:j+16], c)]
              for images, crops in ((real, real_crop), (fake, fake_crop))
              for w, c in zip(images, crops, strict=True)]  # fmt: skip
    assert places[:2] == places[2:] and all(len(place) == 1 for place in places)


def test_no_term_depends_on_predictions_of_known_pixels(make_context, nano, centre_hole):
    nano.eval()
    image, prediction = torch.rand(2, 3, 32, 32), torch.rand(2, 3, 32, 32)
    elsewhere = torch.where(centre_hole.bool(), prediction, torch.rand_like(prediction))
    for term in (*PUBLIC.values(), *PRIVATE.values()):
        one, other = (term(make_context(image, predicted, centre_hole, nano)) for predicted in (prediction, elsewhere))
        assert torch.equal(one, other) and one.dim() == 0 and one > 0


def test_the_generators_update_reaches_every_weight_of_the_generator(make_context, nano, centre_hole):
    image = torch.rand(2, 3, 32, 32)
    nano.train().discriminator.requires_grad_(False)
    prediction = nano(image * (1 - centre_hole), centre_hole).prediction
    ctx = make_context(image, prediction, centre_hole, nano)
    weights = RECIPE.phases[0].updates[0].losses
    torch.stack([weight * {**PUBLIC, **PRIVATE}[name](ctx) for name, weight in weights.items()]).sum().backward()
    for name, parameter in nano.generator.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
        assert name.endswith("bias") or parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("name", PUBLIC)
def test_any_method_can_be_trained_with_a_public_term_alone(name, make_context):
    prediction = torch.rand(2, 3, 32, 32, requires_grad=True)
    PUBLIC[name](make_context(torch.rand(2, 3, 32, 32), prediction, method=nn.Identity())).backward()
    assert prediction.grad is not None and prediction.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["mae", "fm_dis", "adversarial"])
def test_a_private_term_alone_has_a_gradient(name, make_context, nano):
    prediction = torch.rand(2, 3, 32, 32, requires_grad=True)
    PRIVATE[name](make_context(torch.rand(2, 3, 32, 32), prediction, method=nano)).backward()
    assert prediction.grad is not None and prediction.grad.abs().sum() > 0


@pytest.mark.parametrize("official", [False, True])
def test_the_official_normalisation_is_an_option(official, make_context, features):
    backbones = features(lambda x: [x, x[..., ::2, ::2], x, x, x])
    method = build("nano", 3, official_vgg_norm=official)
    ctx = make_context(torch.rand(1, 3, 8, 8), torch.rand(1, 3, 8, 8), method=method, backbones=backbones)
    for term in PUBLIC.values():
        term(ctx)
    (layers,) = set(backbones.layers_read)
    assert (layers.backbone, layers.layers) == ("vgg19", (1, 6, 11, 20, 29))
    pixel = torch.rand(3)
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    wanted = ((2 * pixel - 1) - (mean - 1)) / (2 * std) if official else (pixel - mean) / std
    torch.testing.assert_close((pixel - torch.tensor(layers.mean)) / torch.tensor(layers.std), wanted)
