"""Overhead of our training loop: the same step in a loop written by hand with torch alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from inspect import signature
from itertools import repeat
from pathlib import Path

import torch
from torch.optim import Optimizer
from torch.utils.data import default_collate

from bench_core.data.pairs import to_floats
from bench_core.methods import LossContext, Method
from bench_core.methods.method import guided
from bench_core.recipe import Update
from bench_core.system.devices import open_fabric
from bench_perf.cases.training import MethodTraining
from bench_perf.records import Candidate, Case
from bench_perf.settings import Settings
from bench_perf.worker import start_worker


def cases(settings: Settings) -> Iterator[Case]:
    """Yield every trainable method in 32 bits, at the smallest size with the largest batch."""
    size, batch = min(settings.sizes), max(settings.batches)
    for name in settings.methods:
        if settings.plugins.model(name).recipe:
            ours = MethodTraining(name, settings.scale, size, batch, settings.device)
            loops = {name: ours, "bare loop": BareLoop(ours)}
            candidates = tuple(
                Candidate(label, partial(start_worker, loop, settings.threads)) for label, loop in loops.items()
            )
            yield Case("overhead", f"{name} {size} b{batch}", candidates, "images", batch)


@dataclass(frozen=True)
class BareLoop:
    """Steps of our training loop without a data loader, log, checkpoints or NaN guard."""

    training: MethodTraining

    @property
    def device(self) -> str:
        return self.training.device

    def __call__(self, advance: Callable[..., None]) -> None:
        fabric = open_fabric(self.device)
        # Only the inputs come from our trainer; nothing of it runs, so its folder stays unused.
        trainer = self.training.build(fabric, Path("unused"))
        method, terms, (phase,) = trainer.method, trainer.terms, trainer.recipe.phases
        rounds = [[(update, _optimizer(method, update)) for update in updates] for updates in phase.rounds]
        pairs = default_collate([trainer.pairs[index] for index in range(self.training.batch)])
        image, hole, masked = to_floats(pairs, fabric.device)
        method.calibrate(repeat(image))
        method.start_phase(phase.name)
        while True:
            advance()
            for updates in rounds:
                guidance = guided(trainer.guide, pairs["image"], fabric.device)
                with torch.set_grad_enabled(any(update.trains_generator for update, _ in updates)):
                    output = method.training_output(image, masked, hole, *guidance)
                ctx = LossContext(image, hole, output, method, trainer.backbones, guidance)
                for update, optimizer in updates:
                    inputs = ctx if update.trains_generator else ctx.detached()
                    total = torch.stack([weight * terms[name](inputs) for name, weight in update.losses.items()]).sum()
                    optimizer.zero_grad()
                    total.backward(inputs=[p for group in optimizer.param_groups for p in group["params"]])
                    optimizer.step()


def _optimizer(method: Method, update: Update) -> Optimizer:
    """Make an update's optimiser, fused if torch offers that."""
    make = getattr(torch.optim, update.optimiser.name)
    fused = {"fused": True} if "fused" in signature(make).parameters else {}
    parameters = [p for p in method.get_submodule(update.network).parameters() if p.requires_grad]
    return make(parameters, **fused, **update.optimiser.settings)
