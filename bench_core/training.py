"""The training loop: phases, rounds and updates of a recipe, resumed exactly where it was interrupted."""

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property, partial
from inspect import signature
from pathlib import Path
from typing import cast

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.optim import Optimizer

from bench_core import checkpoints, files, interruption
from bench_core.backbones import Backbones
from bench_core.finiteness import Finiteness
from bench_core.loading import Waited, loader
from bench_core.method import Guide, Method, Scene, guided
from bench_core.pairs import Pair, TrainPairs, to_floats
from bench_core.protocol import Protocol
from bench_core.seeds import seed_of
from bench_core.specs import Phase, Recipe, Update, resolve
from bench_core.variants import Variant

CHECKPOINT_EVERY = 30.0
"""Seconds between checkpoints, which an interruption loses, where writing one is quick."""
CHECKPOINT_SHARE = 0.02
"""Of the time, the most that writing checkpoints takes."""
LOG_EVERY = 10
"""Steps between lines of the log, and between looks at whether all is finite."""

Advance = Callable[[int, dict[str, float]], None]


@dataclass
class Training:
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
    finiteness: Finiteness = field(default_factory=Finiteness)
    _waited: float = field(default=0.0, init=False)
    _stepped: float = field(default=0.0, init=False)

    @property
    def recipe(self) -> Recipe:
        assert self.variant.model.recipe is not None, "nothing to train"
        return self.variant.model.recipe

    @cached_property
    def terms(self) -> dict[str, Callable[[Scene], Tensor]]:
        return {name: partial(resolve(loss.term), **loss.parameters) for name, loss in self.variant.losses.items()}

    def run(self, advance: Advance) -> None:
        """Train to the end of the budget, from the last checkpoint if there is one.

        Raises:
            bench_core.finiteness.NonFinite: says which term, at which step; the last good checkpoint is kept.
        """
        state = checkpoints.load_state(self.folder / "checkpoint.pt") or {"step": 0}
        start: int = state["step"]
        if start:
            self.method.load_state_dict(state["method"])
        for name in self.recipe.networks:
            setattr(self.method, name, self.fabric.setup_module(getattr(self.method, name)))
        self.optimisers = self._optimisers()
        if start:
            for optimiser, saved in zip(self.optimisers.values(), state["optimisers"], strict=True):
                optimiser.load_state_dict(saved)
            self.fabric.strategy.precision.load_state_dict(state["precision"])
        log = Log(self.folder / "training.jsonl", self.fabric, start)
        if not start:
            self.method.calibrate(to_floats(batch)[0] for batch in self._batches(0, self.pairs.protocol.steps))
            self.watch(0)
        advance(start, {})
        for phase, first, last in schedule(self.recipe, self.pairs.protocol.steps):
            if max(start, first) < last:
                self._run_phase(phase, max(start, first), last, log, advance)

    @interruption.held()
    def _run_phase(self, phase: Phase, start: int, last: int, log: "Log", advance: Advance) -> None:
        self.method.enter(phase.name)
        step = start
        batches = Waited(self._batches(start, last))
        due = time.monotonic() + CHECKPOINT_EVERY
        for step in range(start, last):
            began = time.perf_counter()
            values = self._step(phase, step, batches)
            if step % LOG_EVERY == 0:
                self.finiteness.check()
                log.note(step, values)
            self._stepped += time.perf_counter() - began
            advance(step + 1, log.latest)
            if self.pairs.protocol.curve_every and (step + 1) % self.pairs.protocol.curve_every == 0:
                self.finiteness.check()
                self.watch(step + 1)
                self.method.enter(phase.name)
            if interruption.asked():
                break
            if time.monotonic() > due and step + 1 < last:
                due = time.monotonic() + max(CHECKPOINT_EVERY, self._save(step + 1) / CHECKPOINT_SHARE)
        self._waited += batches.seconds
        self._save(step + 1)

    @property
    def waiting_share(self) -> float:
        """How much of the time of all steps so far went by until the next batch was there, 0 to 1."""
        return self._waited / self._stepped if self._stepped else 0.0

    def _save(self, step: int) -> float:
        """Write a checkpoint, unless something is not finite; returns the seconds that it took."""
        self.finiteness.check()
        began = time.monotonic()
        state = {
            "step": step,
            "method": self.method.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers.values()],
            "precision": self.fabric.strategy.precision.state_dict(),  # what 16-mixed scales gradients by
        }
        checkpoints.save_state(self.folder / "checkpoint.pt", state)
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

    def _batches(self, start: int, last: int) -> Iterator[Pair]:
        """The batches of some steps. All methods that draw one batch a step see the same ones."""
        positions = range(*(draws(self.recipe, self.pairs.protocol, step) for step in (start, last)))
        batches = loader(self.pairs, self.pairs.protocol.batch, self.workers, self.fabric.device, positions)
        return cast(Iterator[Pair], iter(self.fabric.setup_dataloaders(batches, use_distributed_sampler=False)))

    def _step(self, phase: Phase, step: int, batches: Iterator[Pair]) -> dict[str, Tensor]:
        """All rounds of one step: the value of every loss term, with its update's network."""
        torch.manual_seed(seed_of("step", self.pairs.seed, step))  # so no random state needs saving
        values: dict[str, Tensor] = {}
        for one_round in phase.rounds:
            image, hole, masked = to_floats(next(batches))
            guidance = guided(self.guide, image)
            with torch.set_grad_enabled(any(update.network == "generator" for update in one_round)):
                painting = self.method(masked, hole, *guidance)
            scene = Scene(image, hole, painting, self.method, self.backbones, guidance)
            for update in one_round:
                found = self._update(scene, update, self.optimisers[_key(update)], step)
                values |= {f"{update.network}/{name}": value for name, value in found.items()}
        return values

    def _update(self, scene: Scene, update: Update, optimiser: Optimizer, step: int) -> dict[str, Tensor]:
        network: nn.Module = getattr(self.method, update.network)
        others = [
            getattr(self.method, name) for name in self.recipe.networks if name not in (update.network, "generator")
        ]
        for other in others:
            other.requires_grad_(False)
        seen = scene if update.network == "generator" else scene.detached()
        values = {name: self.terms[name](seen) for name in update.losses}
        total = torch.stack([weight * values[name] for name, weight in update.losses.items()]).sum()
        seen.forget()  # backbones' features are large, and the graph keeps what it needs of them
        optimiser.zero_grad()
        self.fabric.backward(total)
        values = {name: value.detach() for name, value in values.items()}
        self.finiteness.note(step, update, values, [p.grad for p in network.parameters() if p.grad is not None])
        optimiser.step()
        for other in others:
            other.requires_grad_(True)
        return values


def _key(update: Update) -> str:
    return f"{update.network} {update.optimiser}"


def schedule(recipe: Recipe, steps: int) -> list[tuple[Phase, int, int]]:
    """Every phase with its first step and the step after its last, in proportion to its share of the budget."""
    total = sum(phase.share for phase in recipe.phases)
    bounds, passed = [0], 0.0
    for phase in recipe.phases:
        passed += phase.share
        bounds.append(round(steps * passed / total))
    return list(zip(recipe.phases, bounds[:-1], bounds[1:], strict=True))


def draws(recipe: Recipe, protocol: Protocol, steps: int) -> int:
    """How many images the first steps of a training take."""
    parts = schedule(recipe, protocol.steps)
    batches = sum(len(phase.rounds) * max(0, min(steps, last) - first) for phase, first, last in parts)
    return batches * protocol.batch


class Log:
    """Loss terms over the steps, as lines of JSON and to the user's tracker."""

    def __init__(self, path: Path, fabric: Fabric, start: int) -> None:
        self.path, self.fabric = path, fabric
        self.latest: dict[str, float] = {}
        path.parent.mkdir(parents=True, exist_ok=True)
        before = path.read_text().splitlines(keepends=True) if start and path.exists() else []
        # an interrupted training repeats the steps since its last checkpoint
        kept = [line for line in before if line.endswith("\n") and json.loads(line)["step"] < start]
        files.write_bytes(path, "".join(kept).encode())

    def note(self, step: int, values: dict[str, Tensor]) -> None:
        self.latest = {name: value.item() for name, value in values.items()}
        with self.path.open("a") as file:
            file.write(json.dumps({"step": step, **self.latest}) + "\n")
        self.fabric.log_dict(self.latest, step)
