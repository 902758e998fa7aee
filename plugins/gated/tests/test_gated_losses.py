"""Loss terms against numbers worked out by hand, in units of [-1, 1], and the recipe that weights them."""

import pytest
import torch
from torch import Tensor, nn

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_core.specs import resolve
from bench_gated import RECIPE, bench_models, losses
from bench_gated.model import Gated, build


class Recorder(nn.Module):
    """A discriminator that records its inputs and scores the mean."""

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        self.image, self.hole = image, hole
        return image.mean(dim=(1, 2, 3)).view(-1, 1)


def context(method: nn.Module, image: float, coarse: float, prediction: float) -> LossContext:
    """Return two flat images; the hole is the left half of the first and the right half of the second."""
    hole = torch.zeros(2, 1, 8, 8)
    hole[0, ..., :4] = hole[1, ..., 4:] = 1
    ones = torch.ones(2, 3, 8, 8)
    return LossContext(ones * image, hole, MethodOutput(ones * prediction, ones * coarse), method, Backbones("random"))


@pytest.fixture
def method() -> Gated:
    torch.manual_seed(0)
    return build("nano", 3)


def test_l1_adds_both_stages_over_all_pixels_in_the_paper_s_units(method: Gated) -> None:
    # in [-1, 1]: image -0.5, coarse 1, refined 0
    assert losses.l1(context(method, image=0.25, coarse=1.0, prediction=0.5)).item() == 1.5 + 0.5


def test_the_adversarial_term_scores_the_composite_with_its_hole(method: Gated) -> None:
    recorder = method.discriminator = Recorder()  # pyright: ignore[reportAttributeAccessIssue]
    ctx = context(method, image=0.0, coarse=0.5, prediction=1.0)
    assert losses.adversarial(ctx).item() == 0  # half of every composite is 1, half -1
    assert torch.equal(recorder.image, (2 * ctx.hole - 1).expand(-1, 3, -1, -1))
    assert torch.equal(recorder.hole, ctx.hole)


def test_the_discriminator_gets_real_images_with_the_same_holes(method: Gated) -> None:
    recorder = method.discriminator = Recorder()  # pyright: ignore[reportAttributeAccessIssue]
    ctx = context(method, image=0.75, coarse=0.5, prediction=1.0)
    # scores: real 0.5; composite half 0.5 and half 1, so 0.75
    assert losses.discriminator(ctx).item() == 0.5 * (1 - 0.5) + 0.5 * (1 + 0.75)
    expected = torch.cat([ctx.image, ctx.composite]) * 2 - 1
    assert torch.equal(recorder.image, expected)
    assert torch.equal(recorder.hole, torch.cat([ctx.hole, ctx.hole]))


def test_one_update_of_the_discriminator_takes_one_step_of_power_iteration(method: Gated) -> None:
    passes = []
    method.discriminator.register_forward_hook(lambda *_: passes.append(1))
    losses.discriminator(context(method, 0.25, 0.5, 1.0))
    assert len(passes) == 1


def test_the_recipe_is_the_published_one() -> None:
    (phase,) = RECIPE.phases
    ((first,), (second,)) = phase.rounds  # two rounds: each network has its own batch
    assert (first.network, dict(first.losses)) == ("discriminator", {"discriminator": 1.0})
    assert (second.network, dict(second.losses)) == ("generator", {"l1": 1.0, "adversarial": 1.0})
    for update in phase.updates:
        assert update.optimiser.name == "Adam"
        assert dict(update.optimiser.settings) == {"lr": 1e-4, "betas": (0.5, 0.999)}
    assert RECIPE.batch == 16


def test_the_model_records_name_existing_losses_and_networks(method: Gated) -> None:
    models = bench_models()
    assert [model.name for model in models] == ["gated", "gated:guided"]
    for model in models:
        built = resolve(model.build)("nano", 3, **model.options)
        assert built.state_dict().keys() == method.state_dict().keys()
        assert {loss.name for loss in model.losses} == {
            name for update in RECIPE.phases[0].updates for name in update.losses
        }
        for loss in model.losses:
            assert resolve(loss.term) is getattr(losses, loss.name)
        assert all(hasattr(method, network) for network in RECIPE.networks)
