"""Phases that train parts of a generator, on outputs that need the ground truth, with optimisers of their own."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from training.test_trainer import a_training

from bench_core.methods import LossContext, Method, MethodOutput
from bench_core.recipe import Optimiser, Phase, Recipe, Update
from bench_core.specs import Loss
from bench_core.training.trainer import Trainer

SGD, ADAM = Optimiser("SGD", {"lr": 0.1}), Optimiser("Adam", {"lr": 1e-3})
EDGES = Update("generator.edges", SGD, {"edge_l1": 1.0})
COLOURS = Update("generator.colours", SGD, {"colour_l1": 1.0})
BOTH = Update("generator", SGD, {"edge_l1": 1.0, "colour_l1": 1.0})


class Stages(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.edges = nn.Conv2d(2, 1, 3, padding=1)
        self.colours = nn.Conv2d(4, 3, 3, padding=1)

    def forward(self, masked: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        edges = self.edges(torch.cat([masked.mean(1, True), known], 1))
        return self.colours(torch.cat([masked, edges], 1)), edges


class TwoStages(Method):
    def __init__(self) -> None:
        super().__init__()
        self.generator = Stages()

    def forward(self, masked: Tensor, hole: Tensor) -> MethodOutput:
        return MethodOutput(self.generator(masked, masked[:, :1])[0])

    def training_output(self, image: Tensor, masked: Tensor, hole: Tensor, *guidance: Tensor) -> MethodOutput:
        colours, edges = self.generator(masked, image[:, :1])
        return MethodOutput(colours, extras={"edges": (edges,)})


def edge_l1(ctx: LossContext) -> Tensor:
    return (ctx.output.extras["edges"][0] - ctx.image[:, 1:2]).abs().mean()


def colour_l1(ctx: LossContext) -> Tensor:
    return (ctx.prediction - ctx.image).abs().mean()


def a_training_in(phases: Sequence[Phase], folder: Path) -> Trainer:
    torch.manual_seed(0)
    job = a_training("pconv", folder)
    job.method = TwoStages()
    losses = {term.__name__: Loss(term.__name__, "", "") for term in (edge_l1, colour_l1)}
    recipe = Recipe(tuple(phases), "none")
    job.variant = replace(job.variant, model=replace(job.variant.model, recipe=recipe), losses=losses)
    job.pairs = replace(job.pairs, protocol=job.pairs.protocol.override({"batch": 5, "steps": 6}))
    job.__dict__["terms"] = {"edge_l1": edge_l1, "colour_l1": colour_l1}
    return job


def weights_at(job: Trainer) -> dict[int, dict[str, Tensor]]:
    """Train, and return the weights after each step."""
    seen: dict[int, dict[str, Tensor]] = {}
    job.fit(lambda step, values: seen.update({step: {k: v.clone() for k, v in job.method.state_dict().items()}}))
    return seen


def parts(update: Update) -> list[Phase]:
    return [Phase("one", ((update,),)), Phase("two", ((update,),))]


def test_each_phase_trains_its_part_alone(tmp_path: Path):
    phases = [Phase("edges", ((EDGES,),)), Phase("colours", ((COLOURS,),)), Phase("joint", ((BOTH,),))]
    seen = weights_at(a_training_in(phases, tmp_path))
    for (first, last), names in {(0, 2): {"edges"}, (2, 4): {"colours"}, (4, 6): {"edges", "colours"}}.items():
        changed = {name.split(".")[-2] for name, value in seen[first].items() if not value.equal(seen[last][name])}
        assert changed == names


@pytest.mark.parametrize("own", [True, False])
def test_a_phase_with_own_optimisers_starts_with_adams_first_step(own: bool, tmp_path: Path):
    """Adam's first step moves each weight by the learning rate, whatever its gradient."""
    phases = parts(replace(BOTH, optimiser=ADAM))
    seen = weights_at(a_training_in([replace(phase, own_optimisers=own) for phase in phases], tmp_path))
    moved = torch.cat([(seen[4][name] - value).abs().flatten() for name, value in seen[3].items()])
    assert ((moved - 1e-3).abs().max().item() < 2e-6) == own
