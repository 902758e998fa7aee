"""What our training loop costs beyond its steps: beside the same step, written as one would by hand."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from inspect import signature
from itertools import repeat

import torch
from torch.optim import Optimizer
from torch.utils.data import default_collate

from bench_core.data.pairs import to_floats
from bench_core.methods.method import LossContext, guided
from bench_core.recipe import Update
from bench_core.specs import resolve
from bench_core.system.devices import open_fabric
from bench_perf.records import Candidate, Case
from bench_perf.settings import Settings
from bench_perf.training_loop import OurTraining, TrainingCase
from bench_perf.worker import apart


def cases(settings: Settings) -> Iterator[Case]:
    """A step of every method that learns, at the smallest size with the largest batch, in 32 bits."""
    size, batch = min(settings.sizes), max(settings.batches)
    for name in settings.methods:
        if settings.plugins.model(name).recipe:
            ours = OurTraining(name, settings.scale, size, batch, settings.device)
            candidates = (
                Candidate(name, partial(apart, ours, settings.threads)),
                Candidate("bare loop", partial(apart, BareSteps(ours), settings.threads)),
            )
            yield Case("overhead", f"{name} {size} b{batch}", candidates, "images", batch)


@dataclass(frozen=True)
class BareSteps:
    """The steps of our loop with torch alone: no loader, log, checkpoints or look at whether all is finite."""

    ours: OurTraining

    @property
    def device(self) -> str:
        return self.ours.device

    def __call__(self, advance: Callable[..., None]) -> None:
        device = open_fabric(self.device).device
        lesson = self.ours.lesson(device)
        method, recipe = lesson.method, lesson.variant.model.recipe
        assert recipe is not None, "only what learns has steps"
        (phase,) = recipe.phases
        terms = {name: partial(resolve(loss.term), **loss.parameters) for name, loss in lesson.variant.losses.items()}
        rounds = [[(update, _optimiser(lesson, update)) for update in one_round] for one_round in phase.rounds]
        pairs = default_collate([lesson.pairs[position] for position in range(self.ours.batch)])
        image, hole, masked = to_floats(pairs, device)
        method.calibrate(repeat(image))
        method.start_phase(phase.name)
        while True:
            advance()
            for updates in rounds:
                guidance = guided(lesson.guide, image)
                with torch.set_grad_enabled(any(update.network == "generator" for update, _ in updates)):
                    painting = method(masked, hole, *guidance)
                ctx = LossContext(image, hole, painting, method, lesson.backbones, guidance)
                for update, optimiser in updates:
                    seen = ctx if update.network == "generator" else ctx.detached()
                    total = torch.stack([weight * terms[name](seen) for name, weight in update.losses.items()]).sum()
                    optimiser.zero_grad()
                    total.backward(inputs=[p for group in optimiser.param_groups for p in group["params"]])
                    optimiser.step()


def _optimiser(lesson: TrainingCase, update: Update) -> Optimizer:
    """As `torch.optim` has it, fused where it can be."""
    kind = getattr(torch.optim, update.optimiser.name)
    fused = {"fused": True} if "fused" in signature(kind).parameters else {}
    parameters = [p for p in getattr(lesson.method, update.network).parameters() if p.requires_grad]
    return kind(parameters, **fused, **update.optimiser.settings)
