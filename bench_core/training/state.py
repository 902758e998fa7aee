"""Networks and optimisers of a training, and their checkpoint."""

import time
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim import Optimizer

from bench_core.methods.method import Method
from bench_core.recipe import Phase, Recipe, Update
from bench_core.store.lock import require_lock
from bench_core.system.process_group import ProcessGroup
from bench_core.training import checkpoint
from bench_core.training.weight_average import WeightAverage


class TrainingState:
    """All that an interrupted training needs to go on: networks, optimisers and the scale of gradients."""

    def __init__(
        self, fabric: Fabric, method: Method, recipe: Recipe, folder: Path, group: ProcessGroup, batch: int
    ) -> None:
        self.fabric, self.method, self.recipe, self.group, self.batch = fabric, method, recipe, group, batch
        self.path = folder / "checkpoint.pt"
        self.average: WeightAverage | None = None
        """Average of the generator's weights, if the recipe has one; made when the generator is on its device."""
        self.skipped_updates = 0
        """Updates left out before the last checkpoint, because gradients of 16 bits were infinite."""

    @cached_property
    def optimisers(self) -> dict[str, Optimizer]:
        """Optimisers by `optimiser_key`. Equal updates of a network share one, with its moments, over all phases."""
        updates = {optimiser_key(phase, update): update for phase in self.recipe.phases for update in phase.updates}
        return {key: self._optimiser(update) for key, update in updates.items()}

    def load(self, sync_batchnorm: bool = False) -> int:
        """Put networks and optimisers onto the device, as the checkpoint left them; returns the next step."""
        saved = checkpoint.load_state(self.path) or {"step": 0}
        if saved["step"]:
            self.method.load_state_dict(saved["method"])
        for name in self.recipe.networks:
            network: nn.Module = getattr(self.method, name)
            if sync_batchnorm:
                network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
            setattr(self.method, name, self.fabric.setup_module(network))
        if self.recipe.average:
            self.average = WeightAverage(self.method.generator, self.recipe.average, self.batch)
        optimisers = self.optimisers.values()  # of the networks as they are on the device
        if saved["step"]:
            if self.average:
                self.average.load(saved["average"])
            for optimiser, state in zip(optimisers, saved["optimisers"], strict=True):
                optimiser.load_state_dict(state)
            self.fabric.strategy.precision.load_state_dict(saved["precision"])
            self.skipped_updates = saved["skipped_updates"]
        return saved["step"]

    def save(self, step: int) -> float:
        """Write the checkpoint, from which `step` is the next step; returns the seconds that it took."""
        began = time.monotonic()
        state = {
            "step": step,
            "method": self.method.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers.values()],
            "precision": self.fabric.strategy.precision.state_dict(),  # the scale of gradients in 16 bits
            "skipped_updates": self.skipped_updates,
            "average": self.average and self.average.state,
        }
        self.group.on_rank_zero(lambda: (require_lock(self.path.parent), checkpoint.save_state(self.path, state)))
        return time.monotonic() - began

    def _optimiser(self, update: Update) -> Optimizer:
        kind = getattr(torch.optim, update.optimiser.name)
        fused = {"fused": True} if "fused" in signature(kind).parameters else {}  # one pass over all weights
        optimiser = kind(self.method.get_submodule(update.network).parameters(), **fused, **update.optimiser.settings)
        return cast(Optimizer, self.fabric.setup_optimizers(optimiser))


def optimiser_key(phase: Phase, update: Update) -> str:
    """Name of the optimiser that an update of a phase uses."""
    owner = phase.name if phase.own_optimisers else ""
    return f"{owner} {update.network} {update.optimiser}"
