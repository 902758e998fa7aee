"""The training loop: phases, rounds and updates of a recipe, resumed exactly where it was interrupted."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from pathlib import Path

import torch
from lightning_fabric import Fabric
from torch import Tensor
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
from bench_core.system.distributed import Distributed
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup
from bench_core.training.log import Log
from bench_core.training.micro_batches import SharedBatch
from bench_core.training.nan_guard import NanGuard
from bench_core.training.optimizer_step import OptimizerStep
from bench_core.training.schedule import num_images_drawn, schedule
from bench_core.training.state import TrainingState, optimiser_key

CHECKPOINT_SECONDS = 30.0
"""Minimum seconds between checkpoints: an interruption by force loses the steps since the last one."""
CHECKPOINT_SHARE = 0.02
"""Maximum share of the time for writing checkpoints."""
LOG_STEPS = 10
"""Steps between lines of the log, and between checks for NaN."""

Advance = Callable[[int, dict[str, float]], None]


@dataclass
class Trainer:
    """Training loop of one cell."""

    fabric: Fabric
    method: Method
    variant: Variant
    pairs: TrainPairs
    backbones: Backbones
    folder: Path
    workers: int = 0
    """Processes that load images; 0 loads in this process."""
    guide: Guide | None = None
    on_curve: Callable[[int], None] = lambda step: None
    """Called before the first step and after every `curve_every` steps of the protocol, to evaluate the method."""
    on_log: Callable[[int, Mapping[str, float]], None] = lambda step, values: None
    """Called with every line of the log."""
    nan_guard: NanGuard = field(default_factory=NanGuard)
    micro_batch: int | None = None
    """Images at a time on one device; None takes the device's whole share of the batch."""
    auto_micro_batch: bool = False
    """Halve the micro-batch on out-of-memory errors."""
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
    def group(self) -> ProcessGroup:
        return Distributed(self.fabric.global_rank, self.fabric.world_size)

    @cached_property
    def state(self) -> TrainingState:
        batch = self.pairs.protocol.batch
        return TrainingState(self.fabric, self.method, self.recipe, self.folder, self.group, batch)

    @cached_property
    def optimizer_step(self) -> OptimizerStep:
        batch = self.pairs.protocol.batch
        return OptimizerStep(
            self.fabric,
            self.method,
            self.recipe.networks,
            self.terms,
            self.nan_guard,
            self.group,
            batch,
            self.micro_batch or batch,
            self.auto_micro_batch,
        )

    def fit(self, advance: Advance) -> None:
        """Train to the end of the budget, from the last checkpoint if there is one.

        Raises:
            bench_core.training.nan_guard.NonFiniteError: names the term and the step. The last good checkpoint stays.
        """
        start, *others = self.group.gather(lambda: self.state.load(self.sync_batchnorm))
        if set(others) - {start}:
            raise BadInput(f"{self.folder} is not the same on all machines; --out must be a folder that they share.")
        log = Log(self.folder / "training.jsonl", self.on_log)
        self.group.on_rank_zero(lambda: log.begin(start))
        if not start:
            self.group.gather(self._calibrate)
            self.on_curve(0)
        advance(start, {})
        for phase, first, last in schedule(self.recipe, self.pairs.protocol.steps):
            if max(start, first) < last:
                self._fit_phase(phase, max(start, first), last, log, advance)
        if self.state.average:
            self.state.average.apply()

    @property
    def waiting_share(self) -> float:
        """Share of the time of all steps that was spent waiting for the next batch, 0 to 1."""
        return self._waited / self._stepped if self._stepped else 0.0

    @property
    def seconds_per_step(self) -> float | None:
        """Mean seconds of this process's steps; None if it made none."""
        return self._stepped / self._steps if self._steps else None

    def _calibrate(self) -> None:
        """Show the method whole batches, which are the same on all ranks."""
        batches = self._batches(0, self.pairs.protocol.steps, SINGLE_PROCESS)
        self.method.calibrate(to_floats(batch, self.fabric.device)[0] for batch in batches)

    @signals.defer_signals()
    def _fit_phase(self, phase: Phase, start: int, last: int, log: Log, advance: Advance) -> None:
        self.method.start_phase(phase.name)
        batches = TimedIterator(self._batches(start, last))
        due = time.monotonic() + CHECKPOINT_SECONDS
        for step in range(start, last):
            began = time.perf_counter()
            values = self._step(phase, step, batches)
            if step % LOG_STEPS == 0:
                self._check()
                self.group.on_rank_zero(partial(log.note, step, values))
            self._stepped += time.perf_counter() - began
            self._steps += 1
            advance(step + 1, log.latest)
            if self.pairs.protocol.curve_every and (step + 1) % self.pairs.protocol.curve_every == 0:
                self._check()
                with self.state.average.applied() if self.state.average else nullcontext():
                    self.on_curve(step + 1)
                self.method.start_phase(phase.name)  # evaluation has changed modes
            is_due, is_interrupted = self._agree(step, time.monotonic() > due)
            if is_interrupted:
                self._save(step + 1)
                signals.raise_interrupted()
            if is_due and step + 1 < last:
                due = time.monotonic() + max(CHECKPOINT_SECONDS, self._save(step + 1) / CHECKPOINT_SHARE)
        self._waited += batches.seconds
        self._save(last)

    def _step(self, phase: Phase, step: int, batches: Iterator[Pair]) -> dict[str, Tensor]:
        """Take all optimiser steps of one step; returns the value of every loss term as ``NETWORK/TERM``."""
        rank = [self.group.rank] if self.group.rank else []
        torch.manual_seed(seed_of("step", self.pairs.seed, step, *rank))  # so no random state needs saving
        values: dict[str, Tensor] = {}
        for one_round in phase.rounds:
            next_batch = cache(partial(self._shared_batch, one_round, batches))  # loaded by the first update
            due = [update for update in one_round if step % update.every == 0]
            if not due:
                next(batches)  # a step draws as many batches whatever is due, so that it can be resumed
            for update in due:
                optimiser = self.state.optimisers[optimiser_key(phase, update)]
                self._set_learning_rate(optimiser, update, step)
                losses = self.optimizer_step(next_batch, update, optimiser, step)
                values |= {f"{update.network}/{name}": value for name, value in losses.items()}
        if self.state.average:
            self.state.average.update(step)
        # batch norm's statistics, which each rank has gathered from its own images
        self.group.broadcast(buffer for buffer in self.method.buffers() if buffer.is_floating_point())
        return values

    def _set_learning_rate(self, optimiser: Optimizer, update: Update, step: int) -> None:
        if schedule := update.optimiser.schedule:
            factor = schedule.factor(step / self.pairs.protocol.steps)
            for group in optimiser.param_groups:
                group["lr"] = factor * update.optimiser.settings["lr"]

    def _check(self) -> None:
        """Raise if any rank failed, or a loss or gradient is NaN."""
        self.optimizer_step.raise_failures()
        self.nan_guard.check()

    def _save(self, step: int) -> float:
        """Write a checkpoint, unless something is NaN; returns the seconds that it took."""
        self._check()
        self.state.skipped_updates += int(self.optimizer_step.skipped)
        self.optimizer_step.skipped.zero_()
        return self.state.save(step)

    def _agree(self, step: int, due: bool) -> tuple[bool, bool]:
        """Agree with all ranks: a checkpoint is due by rank zero's clock; a stop was requested on any rank."""
        if self.group.world_size == 1:
            return due, signals.stop_requested()
        if step % LOG_STEPS:
            return False, False
        found = self.group.gather(lambda: (due, signals.stop_requested()))
        return found[0][0], any(stop for _, stop in found)

    def _batches(self, start: int, last: int, group: ProcessGroup | None = None) -> Iterator[Pair]:
        """This rank's parts of the batches of some steps. Methods that draw one batch a step all see the same ones."""
        positions = range(*(num_images_drawn(self.recipe, self.pairs.protocol, step) for step in (start, last)))
        batch, device = self.pairs.protocol.batch, self.fabric.device
        return iter(loader(self.pairs, batch, self.workers, device, positions, group or self.group))

    def _shared_batch(self, one_round: tuple[Update, ...], batches: Iterator[Pair]) -> SharedBatch:
        pair, device = next(batches), self.fabric.device
        image, hole, masked = to_floats(pair, device)
        guidance = guided(self.guide, pair["image"], device)
        learns = any(update.trains_generator for update in one_round)
        return SharedBatch(image, hole, masked, guidance, self.method, self.backbones, learns)
