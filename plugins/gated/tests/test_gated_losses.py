"""Loss terms against numbers worked out by hand, in [-1, 1] units, and the recipe that weighs them."""

import pytest
import torch
from torch import Tensor, nn

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_core.specs import resolve
from bench_gated import RECIPE, bench_models, losses
from bench_gated.model import Gated, build


class Listener(nn.Module):
    """A discriminator that remembers what it was shown and scores the mean."""

    def forward(self, image: Tensor, hole: Tensor) -> Tensor:
        self.image, self.hole = image, hole
        return image.mean(dim=(1, 2, 3)).view(-1, 1)


def ctx(method: nn.Module, image: float, coarse: float, prediction: float) -> LossContext:
    """Flat canvases, two of them, whose left and right half is the hole."""
    hole = torch.zeros(2, 1, 8, 8)
    hole[0, ..., :4] = hole[1, ..., 4:] = 1
    canvas = torch.ones(2, 3, 8, 8)
    return LossContext(
        canvas * image, hole, MethodOutput(canvas * prediction, canvas * coarse), method, Backbones("random")
    )


@pytest.fixture
def method() -> Gated:
    torch.manual_seed(0)
    return build("nano", 3)


def test_l1_adds_both_stages_over_all_pixels_in_the_paper_s_units(method: Gated) -> None:
    # in [-1, 1]: image -0.5, coarse 1, refined 0
    assert losses.l1(ctx(method, image=0.25, coarse=1.0, prediction=0.5)).item() == 1.5 + 0.5


def test_the_generator_s_game_shows_the_composite_and_its_hole(method: Gated) -> None:
    listener = method.discriminator = Listener()  # pyright: ignore[reportAttributeAccessIssue]
    played = ctx(method, image=0.0, coarse=0.5, prediction=1.0)
    assert losses.adversarial(played).item() == 0  # half of every composite is 1, half -1
    assert torch.equal(listener.image, (2 * played.hole - 1).expand(-1, 3, -1, -1))
    assert torch.equal(listener.hole, played.hole)


def test_the_discriminator_s_game_shows_real_images_with_the_same_holes(method: Gated) -> None:
    listener = method.discriminator = Listener()  # pyright: ignore[reportAttributeAccessIssue]
    played = ctx(method, image=0.75, coarse=0.5, prediction=1.0)
    # scores: real 0.5; composite half 0.5 and half 1, so 0.75
    assert losses.discriminator(played).item() == 0.5 * (1 - 0.5) + 0.5 * (1 + 0.75)
    expected = torch.cat([played.image, played.composite]) * 2 - 1
    assert torch.equal(listener.image, expected)
    assert torch.equal(listener.hole, torch.cat([played.hole, played.hole]))


def test_one_update_of_the_discriminator_takes_one_step_of_power_iteration(method: Gated) -> None:
    passes = []
    method.discriminator.register_forward_hook(lambda *_: passes.append(1))
    losses.discriminator(ctx(method, 0.25, 0.5, 1.0))
    assert len(passes) == 1


def test_gradients_reach_the_network_that_plays(method: Gated) -> None:
    torch.manual_seed(1)
    image = torch.rand(2, 3, 32, 32)
    hole = torch.zeros(2, 1, 32, 32)
    hole[..., 8:24, 8:24] = 1
    played = LossContext(image, hole, method(image * (1 - hole), hole), method, Backbones("random"))
    losses.discriminator(played.detached()).backward()
    assert all(p.grad is not None for p in method.discriminator.parameters())
    assert all(p.grad is None for p in method.generator.parameters())
    (losses.l1(played) + losses.adversarial(played)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.generator.parameters())


def test_the_recipe_is_the_published_one() -> None:
    (phase,) = RECIPE.phases
    ((first,), (second,)) = phase.rounds  # two rounds: each network has a batch of its own
    assert (first.network, dict(first.losses)) == ("discriminator", {"discriminator": 1.0})
    assert (second.network, dict(second.losses)) == ("generator", {"l1": 1.0, "adversarial": 1.0})
    for update in phase.updates:
        assert update.optimiser.name == "Adam"
        assert dict(update.optimiser.settings) == {"lr": 1e-4, "betas": (0.5, 0.999)}
    assert RECIPE.batch == 16


def test_the_door_names_what_exists(method: Gated) -> None:
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
