"""A batch in micro-batches trains as the whole batch does, whatever memory there is."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
import torch
from torch import Tensor, nn
from training.test_trainer import a_training

from bench_core.methods import LossContext, Method, MethodOutput
from bench_core.recipe import Optimiser, Phase, Recipe, Update
from bench_core.specs import Loss
from bench_core.training.micro_batches import OutOfMemory
from bench_core.training.trainer import Trainer

SGD = Optimiser("SGD", {"lr": 0.1})
"""Adam's first steps follow the signs of gradients, and so their rounding."""
GENERATOR = Update("generator", SGD, {"l1": 1.0, "fool": 0.5})
DISCRIMINATOR = Update("discriminator", SGD, {"tell": 1.0})


class Two(Method):
    """A generator, and a discriminator with a power iteration."""

    def __init__(self) -> None:
        super().__init__()
        self.generator = nn.Conv2d(4, 3, 3, padding=1)
        self.discriminator = nn.utils.parametrizations.spectral_norm(nn.Conv2d(3, 4, 3))
        self.most = 99

    def forward(self, masked: Tensor, hole: Tensor) -> MethodOutput:
        return MethodOutput(self.generator(torch.cat([masked, hole], 1)))


def tell(ctx: LossContext) -> Tensor:
    judge = ctx.method.get_submodule("discriminator")
    real = (judge(ctx.image) - 1).square().mean()
    if len(ctx.image) > cast(Two, ctx.method).most:  # after a step of the power iteration
        raise torch.OutOfMemoryError(f"{len(ctx.image)} are too many")
    return real + judge(ctx.composite).square().mean()


def fool(ctx: LossContext) -> Tensor:
    return (ctx.method.get_submodule("discriminator")(ctx.composite) - 1).square().mean()


def training(rounds: tuple[tuple[Update, ...], ...], folder: Path) -> Trainer:
    torch.manual_seed(0)
    job = a_training("pconv", folder)
    job.method = Two()
    recipe = Recipe((Phase("train", rounds),), "none")
    losses = {
        "l1": Loss("l1", "", "bench_core.losses.reconstruction:l1"),
        "tell": Loss("tell", "", "test_micro_batches:tell"),
        "fool": Loss("fool", "", "test_micro_batches:fool"),
    }
    job.variant = replace(job.variant, model=replace(job.variant.model, recipe=recipe), losses=losses)
    job.pairs = replace(job.pairs, protocol=job.pairs.protocol.override({"batch": 5, "steps": 3}))
    job.__dict__["terms"] = {"l1": lambda s: (s.prediction - s.image).abs().mean(), "tell": tell, "fool": fool}
    return job


def ended(job: Trainer, change: Callable[[Trainer], None] = lambda job: None) -> dict[str, Tensor]:
    change(job)
    job.fit(lambda step, values: None)
    return {key: value.clone() for key, value in job.method.state_dict().items()}


def far(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    return max((one[key] - other[key]).abs().max().item() for key in one if one[key].is_floating_point())


@pytest.mark.parametrize(
    "rounds",
    [
        ((DISCRIMINATOR, GENERATOR),),
        ((GENERATOR, DISCRIMINATOR),),
        ((DISCRIMINATOR,), (GENERATOR,)),
        ((DISCRIMINATOR, GENERATOR, DISCRIMINATOR),),
    ],
)
def test_micro_batches_end_with_the_weights_of_the_whole_batch(rounds: tuple[tuple[Update, ...], ...], tmp_path: Path):
    """Each update's gradient is whole before its step, and the next sees its weights and the first painting."""
    whole = ended(training(rounds, tmp_path / "whole"))
    assert far(whole, training(rounds, tmp_path / "start").method.state_dict()) > 3e-3
    for most in (1, 2):  # 5 images make parts of 1, 2 and 2
        parts = ended(training(rounds, tmp_path / f"{most}"), lambda job: setattr(job, "micro_batch", most))  # noqa: B023
        assert far(whole, parts) < 1e-5


class Autoencoder(Two):
    """A method whose generator also sees the ground truth in training, and returns more than an image."""

    def training_output(self, image: Tensor, masked: Tensor, hole: Tensor, *guidance: Tensor) -> MethodOutput:
        seen = self.generator(torch.cat([image, hole], 1))
        return MethodOutput(self(masked, hole).prediction, extras={"seen": (seen, seen.mean((2, 3)))})


def autoencode(ctx: LossContext) -> Tensor:
    seen, means = ctx.output.extras["seen"]
    return (seen - ctx.image).abs().mean() + means.square().mean()


def tell_seen(ctx: LossContext) -> Tensor:
    seen, _ = ctx.output.extras["seen"]
    assert not seen.requires_grad
    return ctx.method.get_submodule("discriminator")(seen).square().mean()


@pytest.mark.parametrize("rounds", [((DISCRIMINATOR, GENERATOR),), ((GENERATOR, DISCRIMINATOR),), ((GENERATOR,),)])
def test_loss_terms_see_further_output_of_a_method_that_sees_the_truth(
    rounds: tuple[tuple[Update, ...], ...], tmp_path: Path
):
    def job(name: str) -> Trainer:
        made = training(rounds, tmp_path / name)
        made.method.__class__ = Autoencoder
        made.__dict__["terms"] = {"l1": autoencode, "tell": tell_seen, "fool": autoencode}
        return made

    whole = ended(job("whole"))
    assert far(whole, job("start").method.state_dict()) > 3e-3
    for most in (1, 2):
        parts = ended(job(f"{most}"), lambda made: setattr(made, "micro_batch", most))  # noqa: B023
        assert far(whole, parts) < 1e-5


def test_a_published_game_trains_alike_in_micro_batches(tmp_path: Path):
    """Its discriminator takes a step of power iteration with every pass."""

    def gated(most: int | None) -> dict[str, Tensor]:
        job = a_training("gated", tmp_path / f"{most}")
        job.micro_batch = most
        assert job.variant.model.recipe is not None
        (phase,) = job.variant.model.recipe.phases
        slow = tuple(tuple(replace(u, optimiser=Optimiser("SGD", {"lr": 0.1})) for u in each) for each in phase.rounds)
        recipe = replace(job.variant.model.recipe, phases=(replace(phase, rounds=slow),))
        job.variant = replace(job.variant, model=replace(job.variant.model, recipe=recipe))
        job.pairs = replace(job.pairs, protocol=job.pairs.protocol.override({"batch": 4, "steps": 3}))
        return ended(job)

    whole = gated(None)
    assert far(whole, a_training("gated", tmp_path / "start").method.state_dict()) > 1e-3
    assert far(whole, gated(1)) < 1e-5


@pytest.mark.parametrize("room", [1, 2, 3])
def test_auto_batch_finds_what_fits_and_trains_alike(room: int, tmp_path: Path):
    rounds = ((DISCRIMINATOR, GENERATOR),)
    whole = ended(training(rounds, tmp_path / "whole"))

    def scarce(job: Trainer) -> None:
        job.auto_micro_batch = True
        cast(Two, job.method).most = room

    assert far(whole, ended(training(rounds, tmp_path / "scarce"), scarce)) < 1e-5


@pytest.mark.parametrize(
    ("given", "room", "auto", "said"),
    [
        (None, 3, False, "5 images at a time: try --micro-batch 2, or --auto-micro-batch"),
        (4, 2, False, "4 images at a time: try --micro-batch 2, or --auto-micro-batch"),
        (None, 0, True, "1 images at a time: try a smaller --size"),
    ],
)
def test_what_does_not_fit_is_told_with_what_to_try(
    given: int | None, room: int, auto: bool, said: str, tmp_path: Path
):
    job = training(((DISCRIMINATOR, GENERATOR),), tmp_path)
    job.micro_batch, job.auto_micro_batch = given, auto
    cast(Two, job.method).most = room
    with pytest.raises(OutOfMemory, match=said):
        job.fit(lambda step, values: None)


def test_other_errors_are_no_lack_of_memory(tmp_path: Path):
    job = training(((GENERATOR,),), tmp_path)
    job.auto_micro_batch = True
    job.terms["fool"] = lambda ctx: (_ for _ in ()).throw(RuntimeError("a bug"))
    with pytest.raises(RuntimeError, match="a bug"):
        job.fit(lambda step, values: None)
