"""The loss terms against numbers worked out by hand or by independent formulas, and the steps of the recipe."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import bench_aot_gan
from bench_aot_gan import losses
from bench_aot_gan.model import build
from bench_aot_gan.recipe import RECIPE
from bench_core.methods import LossContext
from bench_core.nn.backbones import Backbones
from bench_core.specs import resolve

TERMS = {loss.name: resolve(loss.term) for loss in bench_aot_gan.AOT_GAN.losses}
CONVOLUTIONS = {"relu1_1": 1, "relu2_1": 3, "relu3_1": 5, "relu4_1": 9, "relu5_1": 13}
CONVOLUTIONS_OF_STYLE = {"relu2_2": 4, "relu3_4": 8, "relu4_4": 12, "relu5_2": 14}
"""Number of convolutions up to each layer."""


def test_the_recipe_is_the_papers():
    assert bench_aot_gan.AOT_GAN.recipe is RECIPE
    assert (RECIPE.batch, RECIPE.steps) == (8, 1_000_000)
    (phase,) = RECIPE.phases
    ((generator, discriminator),) = phase.rounds
    assert (generator.network, discriminator.network) == ("generator", "discriminator")
    assert dict(generator.losses) == {"l1": 1, "style": 250, "perceptual": 0.1, "adversarial": 0.01}
    assert dict(discriminator.losses) == {"discriminator": 1}
    assert {*generator.losses, *discriminator.losses} == set(TERMS)
    for update in (generator, discriminator):
        assert update.optimiser.name == "Adam"
        assert update.optimiser.settings == {"lr": 1e-4, "betas": (0.5, 0.999)}


def test_l1_counts_all_pixels_in_units_of_minus_one_to_one(make_context):
    image, hole = torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4)
    prediction = image.clone()
    prediction[..., 0, :2] = 0.5  # 2 of 16 known pixels, wrong by 1
    assert losses.l1(make_context(image, prediction, hole)).item() == pytest.approx(2 / 16)


def vgg19_relus(backbones: Backbones, image: Tensor) -> list[Tensor]:
    """Return the outputs of all 16 ReLUs, for an image in [0, 1]."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    x, maps = (image - mean) / std, []
    for layer in backbones.get("vgg19"):
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            maps.append(x)
    return maps


def test_perceptual_and_style_are_sums_over_the_papers_layers(make_context, random_backbones, pair):
    image, hole = pair
    prediction = image.flip(0)
    ctx = make_context(image, prediction, hole)
    found, wanted = (vgg19_relus(random_backbones, one) for one in (prediction, image))
    distances = [(found[n - 1] - wanted[n - 1]).abs().mean() for n in CONVOLUTIONS.values()]
    torch.testing.assert_close(losses.perceptual(ctx), torch.stack(distances).sum(), rtol=1e-5, atol=0)
    grams = []
    for n in CONVOLUTIONS_OF_STYLE.values():
        one, other = (torch.einsum("bchw,bdhw->bcd", maps[n - 1], maps[n - 1]) for maps in (found, wanted))
        grams.append((one - other).abs().mean() / found[n - 1][0].numel())
    torch.testing.assert_close(losses.style(ctx), torch.stack(grams).sum(), rtol=1e-5, atol=0)


def test_both_terms_share_one_pass_and_ignore_the_hole(make_context, pair, monkeypatch):
    image, hole = pair
    calls, plain = [], Backbones.features
    monkeypatch.setattr(Backbones, "features", lambda self, layers, x: calls.append(x) or plain(self, layers, x))
    ctx = make_context(image, image.flip(0), hole)
    values = [losses.perceptual(ctx), losses.style(ctx)]
    assert [torch.equal(x, image) for x in calls] == [True, False] and torch.equal(calls[1], image.flip(0))
    other = make_context(image, image.flip(0), 1 - hole)
    assert [losses.perceptual(other), losses.style(other)] == values


def test_the_soft_mask_is_the_hole_blurred_by_a_gaussian_of_71_x_71_pixels():
    """Against the sum over shifted holes in numpy; pixels beyond the border are known."""
    hole = torch.zeros(2, 1, 20, 90)
    hole[0, :, 4:9, 40:80] = hole[1, :, 12:, :7] = 1
    weights = np.exp(-(np.arange(-35, 36) ** 2) / 200)
    weights /= weights.sum()
    padded = np.pad(hole.double().numpy(), ((0, 0), (0, 0), (35, 35), (35, 35)))
    wanted = sum(weights[i] * weights[j] * padded[:, :, i : i + 20, j : j + 90] for i in range(71) for j in range(71))
    torch.testing.assert_close(losses.soft_mask(hole).double(), torch.from_numpy(np.asarray(wanted)), rtol=0, atol=1e-6)


def test_the_soft_mask_is_one_deep_inside_and_zero_far_outside():
    hole = torch.zeros(1, 1, 150, 150)
    hole[..., :75] = 1
    blurred = losses.soft_mask(hole)
    assert blurred[0, 0, 75, 37].item() == pytest.approx(1, abs=1e-3)  # 1 up to the border 37 pixels away
    assert blurred[0, 0, 75, 112] == 0
    assert blurred[0, 0, 0, 37].item() == pytest.approx(0.5, abs=0.03)  # half of the kernel lies outside the image


def corners(*values: float) -> Tensor:
    """Return two maps of 2 x 2 scores: top left, top right, bottom left, bottom right."""
    return torch.tensor(values).view(2, 1, 2, 2).requires_grad_()


def enlarged(scores: Tensor, height: int, width: int) -> np.ndarray:
    """Interpolate between four corners, which stay corners."""
    y, x = np.linspace(0, 1, height)[:, None], np.linspace(0, 1, width)[None]
    a, b, c, d = scores.detach().double().numpy().reshape(2, 4, 1, 1).swapaxes(0, 1)
    return a * (1 - y) * (1 - x) + b * (1 - y) * x + c * y * (1 - x) + d * y * x


FAKE, REAL = corners(0.1, 0.9, -0.4, 1.5, 2, 1, 0, -1), corners(1, 0.8, 1.2, 0.3, 0, 0, 0.5, -2)


@pytest.mark.parametrize("labels", ["paper", "released"])
def test_the_soft_mask_gan(labels, make_context, fixed_discriminator, pair):
    image, hole = pair
    method = build("nano", 3, labels=labels)
    prediction = 1 - image
    ctx = make_context(image, prediction, hole, method)
    composite = torch.where(hole.bool(), prediction, image)
    fake, real, m = enlarged(FAKE, 32, 48), enlarged(REAL, 32, 48), hole.double().numpy()[:, 0]
    blurred = losses.soft_mask(hole).double().numpy()[:, 0]

    method.discriminator = discriminator = fixed_discriminator(FAKE)
    error = (fake - 1) ** 2
    wanted = (error * m).mean() / m.mean() if labels == "paper" else error.mean()
    assert losses.adversarial(ctx).item() == pytest.approx(wanted, rel=1e-5)
    assert [torch.equal(x, 2 * composite - 1) for x in discriminator.inputs] == [True]

    method.discriminator = discriminator = fixed_discriminator(FAKE, REAL)
    if labels == "paper":
        wanted = ((fake - (1 - blurred)) ** 2).mean() + ((real - 1) ** 2).mean()
    else:
        wanted = ((fake - blurred) ** 2).mean() + (real**2).mean()
    assert losses.discriminator(ctx).item() == pytest.approx(wanted, rel=1e-5)
    first, second = discriminator.inputs  # the composite first
    assert torch.equal(first, 2 * composite - 1) and torch.equal(second, 2 * image - 1)


def test_images_without_a_hole_cost_the_generator_nothing(make_context, pair):
    image, hole = pair
    prediction = (1 - image).requires_grad_()
    value = losses.adversarial(make_context(image, prediction, torch.zeros_like(hole)))
    value.backward()
    assert value.item() == 0
    assert prediction.grad is not None and prediction.grad.eq(0).all()


def take_step(method: nn.Module, backbones: Backbones, image: Tensor, hole: Tensor) -> dict[str, Tensor]:
    """Take one training step of the recipe; returns the loss terms."""
    method.train()
    values: dict[str, Tensor] = {}
    ctx = LossContext(image, hole, method(image * (1 - hole), hole), method, backbones)
    for update in RECIPE.phases[0].rounds[0]:
        network = method.get_submodule(update.network)
        method.zero_grad()
        of_update = ctx if update.network == "generator" else ctx.detached()
        terms = {name: TERMS[name](of_update) for name in update.losses}
        torch.stack([weight * terms[name] for name, weight in update.losses.items()]).sum().backward()
        torch.optim.Adam(network.parameters(), **update.optimiser.settings).step()
        values |= terms
    return values


@pytest.mark.parametrize("labels", ["paper", "released"])
def test_a_step_has_all_terms_and_moves_all_weights(labels, random_backbones, pair):
    method = build("nano", 3, labels=labels)
    before = {name: value.clone() for name, value in method.named_parameters()}
    values = take_step(method, random_backbones, *pair)
    assert set(values) == set(TERMS)
    assert all(value.dim() == 0 and value.isfinite() and value > 0 for value in values.values())
    # the gates' biases have no gradient but rounding errors
    same = [name for name, value in method.named_parameters() if torch.equal(value, before[name])]
    assert [name for name in same if not name.endswith("gate.bias")] == []


def test_a_step_takes_three_power_iterations_for_the_composite_twice_and_the_image(nano, random_backbones, pair):
    image, hole = pair
    layer = nano.discriminator.get_submodule("layers.0")
    matrix, u = (layer.get_parameter("weight_orig").detach().flatten(1).clone(), layer.get_buffer("weight_u").clone())
    inputs: list[Tensor] = []
    nano.discriminator.register_forward_pre_hook(lambda module, given: inputs.append(given[0].detach()))
    for _ in range(3):
        v = torch.nn.functional.normalize(u @ matrix, dim=0)
        u = torch.nn.functional.normalize(matrix @ v, dim=0)
    take_step(nano, random_backbones, image, hole)
    torch.testing.assert_close(layer.get_buffer("weight_u"), u)
    assert [torch.equal(x, 2 * image - 1) for x in inputs] == [False, False, True]
    assert torch.equal(inputs[0], inputs[1])


@pytest.mark.parametrize("labels", ["paper", "released"])
def test_known_pixels_of_the_prediction_get_no_adversarial_gradient(labels, make_context, pair):
    image, hole = pair
    prediction = torch.rand(2, 3, 32, 48, requires_grad=True)
    losses.adversarial(make_context(image, prediction, hole, build("nano", 3, labels=labels))).backward()
    known = hole.expand_as(image) == 0
    assert prediction.grad is not None
    assert prediction.grad[known].eq(0).all() and prediction.grad[~known].ne(0).any()
