"""The loss terms against numbers worked out by hand or by independent formulas, and the steps of the recipe."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn.functional import interpolate

import bench_picnet
from bench_core.methods import LossContext
from bench_core.nn.backbones import Backbones
from bench_core.recipe import Recipe
from bench_core.specs import resolve
from bench_picnet import losses
from bench_picnet.model import PICNet, build_one_path
from bench_picnet.recipe import ONE_PATH, RECIPE

TERMS = {name: resolve(loss.term) for name, loss in bench_picnet.TERMS.items()}
TWO_PATHS = {loss.name for loss in bench_picnet.PICNET.losses}
SIZES = ((8, 12), (16, 24), (32, 48), (64, 96))


def test_the_recipe_is_the_official_one():
    assert bench_picnet.PICNET.recipe is RECIPE
    assert (RECIPE.batch, RECIPE.steps) == (8, 5_000_000)
    (phase,) = RECIPE.phases
    (updates,) = phase.rounds  # all learn from one batch and one forward pass
    assert [update.network for update in updates] == ["discriminator", "discriminator_rec", "generator"]
    assert [dict(update.losses) for update in updates] == [
        {"discriminator": 1},
        {"discriminator_rec": 1},
        {"kl_rec": 80, "kl_g": 80, "app_rec": 20, "app_g": 20, "ad_rec": 1, "ad_g": 1},
    ]
    assert {name for update in updates for name in update.losses} == TWO_PATHS
    (phase,) = ONE_PATH.phases
    one_path = [(update.network, dict(update.losses)) for update in phase.updates]
    assert one_path == [
        ("discriminator", {"discriminator": 1}),
        ("generator", {"kl_one_path": 80, "app_one_path": 20, "ad_g": 1}),
    ]
    for update in (*updates, *phase.updates):
        assert update.optimiser.name == "Adam" and update.optimiser.schedule is None
        assert update.optimiser.settings == {"lr": 1e-4, "betas": (0, 0.999)}


def distributions() -> dict[str, tuple[Tensor, ...]]:
    return {
        name: (torch.randn(2, 4, 2, 3, requires_grad=True), (torch.rand(2, 4, 2, 3) + 0.2).requires_grad_())
        for name in ("posterior", "prior")
    }


def normal(parameters: tuple[Tensor, ...]) -> Normal:
    mean, deviation = parameters
    return Normal(mean.double(), deviation.double())


def test_kl_rec_is_the_divergence_from_the_target_to_the_posterior(make_context, pair):
    image, hole = pair
    extras = distributions()
    known = 1 - hole.mean((1, 2, 3)).double()
    sigma = (1 / (1 + (8 * (known - 1e-5 - 0.8)).exp())).view(2, 1, 1, 1)
    posterior = normal(extras["posterior"])
    wanted = kl_divergence(Normal(torch.zeros_like(posterior.mean), sigma.expand(2, 4, 2, 3)), posterior).mean()
    assert losses.kl_rec(make_context(image, hole, extras)).item() == pytest.approx(wanted.item(), rel=1e-5)


def test_kl_g_is_the_divergence_from_the_posterior_to_the_prior_and_moves_only_the_prior(make_context, pair):
    extras = distributions()
    value = losses.kl_g(make_context(*pair, extras))
    posterior, prior = normal(extras["posterior"]), normal(extras["prior"])
    assert value.item() == pytest.approx(kl_divergence(posterior, prior).mean().item(), rel=1e-5)
    value.backward()
    assert all(values.grad is None for values in extras["posterior"])
    assert all(values.grad is not None and values.grad.ne(0).all() for values in extras["prior"])


def outputs() -> tuple[Tensor, ...]:
    return tuple(torch.rand(2, 3, *size) * 2 - 1 for size in SIZES)


def shrunk(image: Tensor) -> list[Tensor]:
    return [interpolate(image, size, mode="bilinear", align_corners=True) for size in SIZES]


def test_appearance_is_a_sum_over_sizes_in_units_of_minus_one_to_one(make_context, pair):
    image, hole = pair
    extras = {"reconstructed": outputs(), "generated": outputs()}
    ctx = make_context(image, hole, extras)
    real, known = shrunk(2 * image - 1), shrunk(1 - hole)
    rec = sum((a - b).abs().sum() / a.numel() for a, b in zip(extras["reconstructed"], real, strict=True))
    generated = zip(extras["generated"], real, known, strict=True)
    gen = sum((a * m - b * m).abs().sum() / a.numel() for a, b, m in generated)
    assert losses.app_rec(ctx).item() == pytest.approx(float(rec), rel=1e-5)
    assert losses.app_g(ctx).item() == pytest.approx(float(gen), rel=1e-5)


def test_pixels_that_are_known_in_part_count_in_part(make_context):
    """Shrinking to 2 pixels a side keeps corners, and the borders of a hole lie in between at other sizes."""
    image, hole = torch.full((1, 3, 16, 16), 0.5), torch.zeros(1, 1, 16, 16)
    hole[..., 8:] = 1
    sizes = (2, 4, 8, 16)
    extras = {"generated": tuple(torch.ones(1, 3, size, size) for size in sizes)}  # wrong by 1 everywhere
    columns = [[max(0.0, min(1.0, 8 - 15 * i / (size - 1))) for i in range(size)] for size in sizes]
    wanted = sum(sum(column) / len(column) for column in columns)
    assert losses.app_g(make_context(image, hole, extras)).item() == pytest.approx(wanted, rel=1e-5)


class FixedScores(nn.Module):
    """A discriminator that records its inputs and returns given scores, call by call."""

    def __init__(self, *scores: float) -> None:
        super().__init__()
        self.scores = iter(scores)
        self.inputs: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.inputs.append(image)
        return torch.tensor([1.0, 2.0]).view(2, 1, 1, 1) * next(self.scores)


@pytest.mark.parametrize(
    ("term", "network", "scores", "wanted", "order"),
    [
        ("ad_g", "discriminator", [3], ((3 - 1) ** 2 + (6 - 1) ** 2) / 2, ["generated"]),
        ("ad_rec", "discriminator_rec", [3, 1], ((3 - 1) ** 2 + (6 - 2) ** 2) / 2, ["reconstructed", "image"]),
        ("discriminator", "discriminator", [2, 3], (1 + 9 + 9 + 36) / 4, ["image", "generated"]),
        ("discriminator_rec", "discriminator_rec", [2, 3], (1 + 9 + 9 + 36) / 4, ["image", "reconstructed"]),
    ],
)
def test_adversarial_terms_are_least_squares_on_the_raw_output(
    make_context, pair, term, network, scores, wanted, order
):
    image, hole = pair
    extras = {"reconstructed": outputs(), "generated": outputs()}
    method, fixed = nn.Module(), FixedScores(*scores)
    method.add_module(network, fixed)
    value = TERMS[term](make_context(image, hole, extras, method))
    assert value.item() == pytest.approx(wanted)
    given = [2 * image - 1 if name == "image" else extras[name][-1] for name in order]
    assert len(fixed.inputs) == len(given) and all(map(torch.equal, fixed.inputs, given))


def test_the_divergence_of_equal_distributions_is_zero_and_that_of_others_above(make_context, pair):
    image, hole = pair
    sigma = losses.target_deviation(hole)
    mean, deviation = torch.zeros(2, 4, 2, 3), sigma.expand(2, 4, 2, 3)
    at = {"posterior": (mean, deviation)}
    assert losses.kl_rec(make_context(image, hole, at)).item() == pytest.approx(0, abs=1e-7)
    for other in ((mean + 0.1, deviation), (mean, 1.1 * deviation), (mean, deviation.flip(0))):
        assert losses.kl_rec(make_context(image, hole, {"posterior": other})).item() > 1e-3
    assert not math.isclose(*sigma.flatten().tolist(), rel_tol=0.01)


def take_step(method: PICNet, image: Tensor, hole: Tensor, recipe: Recipe = RECIPE) -> dict[str, Tensor]:
    """Take one training step of the recipe; returns the loss terms."""
    method.train()
    values: dict[str, Tensor] = {}
    output = method.training_output(image, image * (1 - hole), hole)
    ctx = LossContext(image, hole, output, method, Backbones())
    for update in recipe.phases[0].rounds[0]:
        method.zero_grad()
        of_update = ctx if update.network == "generator" else ctx.detached()
        terms = {name: TERMS[name](of_update) for name in update.losses}
        torch.stack([weight * terms[name] for name, weight in update.losses.items()]).sum().backward()
        network = method.get_submodule(update.network)
        torch.optim.Adam(network.parameters(), **update.optimiser.settings).step()
        values |= {name: value.detach() for name, value in terms.items()}
    return values


def test_a_step_has_all_terms_and_moves_all_weights(nano, scramble, pair):
    scramble(nano)
    before = {name: value.clone() for name, value in nano.named_parameters()}
    values = take_step(nano, *pair)
    assert set(values) == TWO_PATHS
    assert all(value.dim() == 0 and value.isfinite() and value > 0 for value in values.values())
    same = {name for name, value in nano.named_parameters() if torch.equal(value, before[name])}
    unused = ("attention.fusion.", "attention.alpha")  # of the discriminators, as in the official ones
    assert same == {
        name for name in before if name.startswith("discriminator") and any(part in name for part in unused)
    }


@torch.no_grad()
def test_each_term_reads_the_images_of_its_own_path(nano, scramble, pair):
    """The prior's path must not lower the posterior's losses, or the reverse."""
    image, hole = pair
    output = scramble(nano).training_output(image, image * (1 - hole), hole)
    ctx = LossContext(image, hole, output, nano, Backbones())
    before = {name: TERMS[name](ctx) for name in sorted(TWO_PATHS)}
    changed = {
        "generated": {"app_g", "ad_g", "discriminator"},
        "reconstructed": {"app_rec", "ad_rec", "discriminator_rec"},
    }
    for name, wanted in changed.items():
        extras = {**output.extras, name: tuple(images.flip(3) for images in output.extras[name])}
        other = LossContext(image, hole, type(output)(output.prediction, extras=extras), nano, Backbones())
        assert {term for term in before if TERMS[term](other) != before[term]} == wanted


def test_the_form_of_one_path_compares_the_prior_with_the_target_and_whole_images(make_context, pair):
    """The terms are those of the reconstructive path, for the generated images and the prior."""
    image, hole = pair
    generated, prior = outputs(), distributions()["prior"]
    ctx = make_context(image, hole, {"generated": generated, "prior": prior})
    other = make_context(image, hole, {"reconstructed": generated, "posterior": prior})
    assert losses.kl_one_path(ctx) == losses.kl_rec(other)
    assert losses.app_one_path(ctx) == losses.app_rec(other)


def test_a_step_of_one_path_follows_that_path_only(pair):
    method = build_one_path("nano", 3, latent="mean")
    before = {name: value.clone() for name, value in method.named_parameters()}
    values = take_step(method, *pair, recipe=ONE_PATH)
    assert set(values) == {loss.name for loss in bench_picnet.PICNET_ONE_PATH.losses}
    assert not hasattr(method, "discriminator_rec")
    same = {name.split(".")[2] for name, value in method.named_parameters() if torch.equal(value, before[name])}
    assert "posterior" in same and "prior" not in same
    image, hole = pair
    samples = [method.training_output(image, image * (1 - hole), hole).prediction for _ in range(2)]
    assert not torch.equal(*samples)  # training samples, whatever the option
