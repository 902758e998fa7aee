"""The training loop: phases, rounds and updates of a recipe, resumed exactly where it was interrupted."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from inspect import signature
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from bench_core.data.loader import TimedIterator, loader
from bench_core.data.pairs import Pair, TrainPairs, to_floats
from bench_core.errors import BadInput
from bench_core.methods.method import Guide, LossContext, Method, guided
from bench_core.methods.variants import Variant
from bench_core.nn.backbones import Backbones
from bench_core.recipe import Phase, Recipe, Update
from bench_core.seeds import seed_of
from bench_core.specs import resolve
from bench_core.system import signals
from bench_core.system.distributed import SINGLE_PROCESS, Distributed
from bench_core.training import checkpoint
from bench_core.training.log import Log
from bench_core.training.micro_batches import SharedBatch
from bench_core.training.nan_guard import NanGuard
from bench_core.training.optimizer_step import OptimizerStep
from bench_core.training.schedule import num_images_drawn, schedule

CHECKPOINT_SECONDS = 30.0
"""Seconds between checkpoints, which an interruption loses, where writing one is quick."""
CHECKPOINT_SHARE = 0.02
"""Of the time, the most that writing checkpoints takes."""
LOG_STEPS = 10
"""Steps between lines of the log, and between looks at whether all is finite."""

Advance = Callable[[int, dict[str, float]], None]


@dataclass
class Trainer:
    """One cell's training."""

    fabric: Fabric
    method: Method
    variant: Variant
    pairs: TrainPairs
    backbones: Backbones
    folder: Path
    workers: int = 0
    guide: Guide | None = None
    watch: Callable[[int], None] = lambda step: None
    """Called before the first step and after every so many of the protocol's `curve_every`, to judge the method."""
    tell: Callable[[int, Mapping[str, float]], None] = lambda step, values: None
    """Called with every line of the log."""
    nan_guard: NanGuard = field(default_factory=NanGuard)
    micro_batch: int | None = None
    """Images at a time on one device; all of its part of a batch if left out."""
    auto_micro_batch: bool = False
    """Halve that where memory is too small."""
    sync_batchnorm: bool = False
    """Let batch norm see the images of all devices."""
    _waited: float = field(default=0.0, init=False)
    _stepped: float = field(default=0.0, init=False)
    _steps: int = field(default=0, init=False)

    @property
    def recipe(self) -> Recipe:
        assert self.variant.model.recipe is not None, "nothing to train"
        return self.variant.model.recipe

    @cached_property
    def terms(self) -> dict[str, Callable[[LossContext], Tensor]]:
        return {name: partial(resolve(loss.term), **loss.parameters) for name, loss in self.variant.losses.items()}

    @cached_property
    def distributed(self) -> Distributed:
        return Distributed(self.fabric.global_rank, self.fabric.world_size)

    @cached_property
    def updates(self) -> OptimizerStep:
        batch = self.pairs.protocol.batch
        most = self.micro_batch or batch
        return OptimizerStep(
            self.fabric,
            self.method,
            self.recipe.networks,
            self.terms,
            self.nan_guard,
            self.distributed,
            batch,
            most,
            self.auto_micro_batch,
        )

    def run(self, advance: Advance) -> None:
        """Train to the end of the budget, from the last checkpoint if there is one.

        Raises:
            bench_core.training.nan_guard.NonFinite: says which term, at which step; the last good checkpoint is kept.
        """
        start, *others = self.distributed.gather(self._prepare)
        if set(others) - {start}:
            raise BadInput(f"{self.folder} is not the same on all machines; --out must be a folder that they share.")
        log = Log(self.folder / "training.jsonl", self.tell)
        self.distributed.on_rank_zero(lambda: log.begin(start))
        if not start:
            self.distributed.gather(self._calibrate)
            self.watch(0)
        advance(start, {})
        for phase, first, last in schedule(self.recipe, self.pairs.protocol.steps):
            if max(start, first) < last:
                self._run_phase(phase, max(start, first), last, log, advance)

    def _prepare(self) -> int:
        """Make networks and optimisers ready; returns the step to go on with."""
        state = checkpoint.load_state(self.folder / "checkpoint.pt") or {"step": 0}
        if state["step"]:
            self.method.load_state_dict(state["method"])
        self._set_up_networks()
        self.optimisers = self._optimisers()
        if state["step"]:
            for optimiser, saved in zip(self.optimisers.values(), state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        return state["step"]

    def _set_up_networks(self) -> None:
        for name in self.recipe.networks:
            network: nn.Module = getattr(self.method, name)
            if self.sync_batchnorm:
                network = nn.SyncBatchNorm.convert_sync_batchnorm(network)
            setattr(self.method, name, self.fabric.setup_module(network))

    def _calibrate(self) -> None:
        """By whole batches, which are the same on all ranks."""
        batches = self._batches(0, self.pairs.protocol.steps, SINGLE_PROCESS)
        self.method.calibrate(to_floats(batch)[0] for batch in batches)

    @signals.defer_signals()
    def _run_phase(self, phase: Phase, start: int, last: int, log: Log, advance: Advance) -> None:
        self.method.start_phase(phase.name)
        batches = TimedIterator(self._batches(start, last))
        due = time.monotonic() + CHECKPOINT_SECONDS
        for step in range(start, last):
            began = time.perf_counter()
            values = self._step(phase, step, batches)
            if step % LOG_STEPS == 0:
                self._check()
                self.distributed.on_rank_zero(partial(log.note, step, values))
            self._stepped += time.perf_counter() - began
            self._steps += 1
            advance(step + 1, log.latest)
            if self.pairs.protocol.curve_every and (step + 1) % self.pairs.protocol.curve_every == 0:
                self._check()
                self.watch(step + 1)
                self.method.start_phase(phase.name)
            is_due, is_over = self._agreed(step, time.monotonic() > due)
            if is_over:
                self._save(step + 1)
                signals.raise_interrupted()
            if is_due and step + 1 < last:
                due = time.monotonic() + max(CHECKPOINT_SECONDS, self._save(step + 1) / CHECKPOINT_SHARE)
        self._waited += batches.seconds
        self._save(last)

    @property
    def waiting_share(self) -> float:
        """How much of the time of all steps so far went by until the next batch was there, 0 to 1."""
        return self._waited / self._stepped if self._stepped else 0.0

    @property
    def seconds_per_step(self) -> float | None:
        """The mean over the steps of this process; None if it had none to make."""
        return self._stepped / self._steps if self._steps else None

    def _check(self) -> None:
        """Make sure that nothing has failed and all is finite, here and on other ranks."""
        self.updates.look()
        self.nan_guard.check()

    def _agreed(self, step: int, due: bool) -> tuple[bool, bool]:
        """Whether it is time for a checkpoint, by rank zero's clock, and whether any rank has been asked to end."""
        if self.distributed.count == 1:
            return due, signals.stop_requested()
        if step % LOG_STEPS:
            return False, False
        found = self.distributed.gather(lambda: (due, signals.stop_requested()))
        return found[0][0], any(asked for _, asked in found)

    def _save(self, step: int) -> float:
        """Write a checkpoint, unless something is not finite; returns the seconds that it took."""
        self._check()
        began = time.monotonic()
        state = {
            "step": step,
            "method": self.method.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers.values()],
            "precision": self.fabric.strategy.precision.state_dict(),  # what 16-mixed scales gradients by
        }
        self.distributed.on_rank_zero(lambda: checkpoint.save_state(self.folder / "checkpoint.pt", state))
        return time.monotonic() - began

    def _optimisers(self) -> dict[str, Optimizer]:
        """Updates of one network by equal optimisers share one, and so its moments, over all phases."""
        updates = {_key(update): update for phase in self.recipe.phases for update in phase.updates}
        return {key: self._optimiser(update) for key, update in updates.items()}

    def _optimiser(self, update: Update) -> Optimizer:
        kind = getattr(torch.optim, update.optimiser.name)
        fused = {"fused": True} if "fused" in signature(kind).parameters else {}  # one pass over all weights
        optimiser = kind(getattr(self.method, update.network).parameters(), **fused, **update.optimiser.settings)
        return cast(Optimizer, self.fabric.setup_optimizers(optimiser))

    def _batches(self, start: int, last: int, distributed: Distributed | None = None) -> Iterator[Pair]:
        """This rank's parts of the batches of some steps. All methods that draw one batch a step see the same ones."""
        positions = range(*(num_images_drawn(self.recipe, self.pairs.protocol, step) for step in (start, last)))
        batch, where = self.pairs.protocol.batch, self.fabric.device
        batches = loader(self.pairs, batch, self.workers, where, positions, distributed or self.distributed)
        return cast(Iterator[Pair], iter(self.fabric.setup_dataloaders(batches, use_distributed_sampler=False)))

    def _step(self, phase: Phase, step: int, batches: Iterator[Pair]) -> dict[str, Tensor]:
        """All rounds of one step: the value of every loss term, with its update's network."""
        rank = [self.distributed.rank] if self.distributed.rank else []
        torch.manual_seed(seed_of("step", self.pairs.seed, step, *rank))  # so no random state needs saving
        values: dict[str, Tensor] = {}
        for one_round in phase.rounds:
            taken = cache(partial(self._round, one_round, batches))
            for update in one_round:
                found = self.updates.make(taken, update, self.optimisers[_key(update)], step)
                values |= {f"{update.network}/{name}": value for name, value in found.items()}
        # batch norm's statistics, which each rank has gathered from its own images
        self.distributed.broadcast(buffer for buffer in self.method.buffers() if buffer.is_floating_point())
        return values

    def _round(self, one_round: tuple[Update, ...], batches: Iterator[Pair]) -> SharedBatch:
        image, hole, masked = to_floats(next(batches))
        learns = any(update.network == "generator" for update in one_round)
        return SharedBatch(image, hole, masked, guided(self.guide, image), self.method, self.backbones, learns)


def _key(update: Update) -> str:
    return f"{update.network} {update.optimiser}"
