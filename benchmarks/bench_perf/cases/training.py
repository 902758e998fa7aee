"""Time and peak memory of a training step of methods and baselines, each in a process of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from lightning_fabric import Fabric

from bench_core import protocol
from bench_core.conformance import inputs as check_inputs
from bench_core.data.pairs import TrainPairs
from bench_core.errors import BadInput
from bench_core.masks.mask_set import open_sets
from bench_core.methods.compatibility import refusal
from bench_core.methods.variants import apply_overrides
from bench_core.nn.backbones import Backbones
from bench_core.plugins import Plugins
from bench_core.specs import Model, resolve
from bench_core.system.devices import open_fabric
from bench_core.training.trainer import Trainer
from bench_perf.baseline import Baseline, baseline_candidates
from bench_perf.noise_images import NoiseImages
from bench_perf.precision import ExecutionMode
from bench_perf.records import Candidate, Case
from bench_perf.settings import Settings
from bench_perf.worker import start_worker

MANY_STEPS = 1_000_000
"""More steps than any measurement takes."""


def cases(settings: Settings) -> Iterator[Case]:
    """Yield every trainable method at every size, with the largest batch."""
    batch = max(settings.batches)
    for name in settings.methods:
        for size in settings.sizes if settings.plugins.model(name).recipe else ():
            candidates = tuple(_candidates(settings, name, size, batch))
            yield Case("training", f"{name} {size} b{batch}", candidates, "images", batch)


def _candidates(settings: Settings, method: str, size: int, batch: int) -> Iterator[Candidate]:
    for mode in settings.modes:
        loop = MethodTraining(method, settings.scale, size, batch, settings.device, mode)
        yield Candidate(mode.label(method), partial(start_worker, loop, settings.threads), mode.precision)
    if baseline := settings.baselines.get(method):
        loop = BaselineTraining(baseline, size, batch, settings.device)
        yield from baseline_candidates(baseline, loop, settings.threads)


@dataclass(frozen=True)
class MethodTraining:
    """Training loop of `bench run`, in the longest phase of a method's recipe unless all are asked for.

    Perceptual losses use random backbones, which take as long as pretrained ones.
    """

    method: str
    scale: str
    size: int
    batch: int
    device: str
    mode: ExecutionMode = field(default_factory=ExecutionMode)
    steps: int = MANY_STEPS
    all_phases: bool = False

    def __call__(self, advance: Callable[..., None]) -> None:
        with TemporaryDirectory() as folder:
            trainer = self.build(self.mode.open_fabric(self.device), Path(folder))
            self.mode.prepare(trainer.method.generator)
            trainer.fit(lambda step, values: advance())

    def build(self, fabric: Fabric, folder: Path) -> Trainer:
        """Build a trainer with seeded random weights. Every batch of its pairs repeats one image and one hole.

        Raises:
            BadInput: the method does not support training on images of this size.
        """
        plugins = Plugins.find()
        model = plugins.model(self.method)
        model = model if self.all_phases else _only_longest_phase(model)
        sides = {"size": self.size, "resize": self.size}
        budget = {"batch": self.batch, "scale": self.scale, "channels": model.channels[-1], "steps": self.steps}
        rules = protocol.load("quick").override(sides | budget)
        if reason := refusal(model, rules):
            raise BadInput(f"{self.method} {reason}.")
        torch.manual_seed(0)
        method = resolve(model.build)(rules.scale, rules.channels, **model.options).to(fabric.device)
        holes = open_sets({"center": rules.masks["center"]}, plugins.records("masks"))
        return Trainer(
            fabric,
            method,
            variant=apply_overrides(model, plugins.records("losses")),
            pairs=TrainPairs(rules, NoiseImages(1, self.size, rules.channels), list(holes.values()), 0),
            backbones=Backbones("random", fabric.device),
            folder=folder,
            guide=resolve(model.guide)(fabric.device) if model.guide else None,
        )


@dataclass(frozen=True)
class BaselineTraining:
    """Endless training of a baseline on one batch."""

    baseline: Baseline
    size: int
    batch: int
    device: str

    def __call__(self, advance: Callable[..., None]) -> None:
        step = self.baseline.build_step()
        device = open_fabric(self.device).device
        noise = torch.from_numpy(NoiseImages(1, self.size)[0]).permute(2, 0, 1).float() / 255
        image = noise.repeat(self.batch, 1, 1, 1).to(device)
        hole = check_inputs.center(self.size, self.size).repeat(self.batch, 1, 1, 1).to(device)
        while True:
            advance()
            step(image, hole)


def _only_longest_phase(model: Model) -> Model:
    assert model.recipe, "training-free methods have no steps"
    longest = max(model.recipe.phases, key=lambda phase: phase.share)
    return replace(model, recipe=replace(model.recipe, phases=(longest,)))
