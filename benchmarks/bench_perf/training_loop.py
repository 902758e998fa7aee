"""Training without end: by our training loop, and by a rival."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from bench_core import protocol, seeds
from bench_core.conformance import test_inputs
from bench_core.data.pairs import TrainPairs
from bench_core.errors import BadInput
from bench_core.images import Array
from bench_core.masks.mask_set import open_sets
from bench_core.methods.compatibility import refusal
from bench_core.methods.method import Guide, Method
from bench_core.methods.variants import Variant, apply_overrides
from bench_core.nn.backbones import Backbones
from bench_core.plugins import Plugins
from bench_core.specs import Model, resolve
from bench_core.system.devices import open_fabric
from bench_core.training.trainer import Trainer
from bench_perf.baseline import Baseline
from bench_perf.variants import Form

ENDLESS = 1_000_000
"""More steps than are ever timed."""


@dataclass(frozen=True)
class TrainingCase:
    """All that a step of training needs. Every batch of the pairs is the same: one image under one hole."""

    method: Method
    variant: Variant
    pairs: TrainPairs
    backbones: Backbones
    guide: Guide | None


@dataclass(frozen=True)
class OurTraining:
    """The training loop of `bench run`, in the longest phase of a method's recipe.

    Perceptual losses look through random networks, which take as long as the official ones.
    """

    name: str
    scale: str
    size: int
    batch: int
    device: str
    form: Form = field(default_factory=Form)

    def __call__(self, advance: Callable[..., None]) -> None:
        with self.form.opened(self.device) as fabric, TemporaryDirectory() as folder:
            lesson = self.lesson(fabric.device)
            self.form.prepare(lesson.method.generator)
            path = Path(folder)
            training = Trainer(
                fabric, lesson.method, lesson.variant, lesson.pairs, lesson.backbones, path, guide=lesson.guide
            )
            training.fit(lambda step, values: advance())

    def lesson(self, device: torch.device) -> "TrainingCase":
        """Made ready, with weights drawn from a seed.

        Raises:
            BadInput: the method cannot be trained with images of this size.
        """
        plugins = Plugins.find()
        model = _in_its_longest_phase(plugins.model(self.name))
        rules = self._rules(model)
        if reason := refusal(model, rules):
            raise BadInput(f"{self.name} {reason}.")
        torch.manual_seed(0)
        method = resolve(model.build)(rules.scale, rules.channels, **model.options).to(device)
        guide = resolve(model.guide)(device) if model.guide else None
        holes = open_sets({"center": rules.masks["center"]}, plugins.records("masks"))
        pairs = TrainPairs(rules, Noise(self.size, rules.channels), list(holes.values()), 0)
        return TrainingCase(
            method, apply_overrides(model, plugins.records("losses")), pairs, Backbones("random", device), guide
        )

    def _rules(self, model: Model) -> protocol.Protocol:
        sides = {"size": self.size, "resize": self.size}
        changes = {"batch": self.batch, "scale": self.scale, "channels": model.channels[-1], "steps": ENDLESS}
        return protocol.load("quick").override(sides | changes)


@dataclass(frozen=True)
class BaselineTraining:
    """A rival's, always on the same batch."""

    baseline: Baseline
    size: int
    batch: int
    device: str

    def __call__(self, advance: Callable[..., None]) -> None:
        step = self.baseline.build_step()
        where = open_fabric(self.device).device
        noise = torch.from_numpy(Noise(self.size, 3)[0]).permute(2, 0, 1).float() / 255
        image = noise.repeat(self.batch, 1, 1, 1).to(where)
        hole = test_inputs.center(self.size, self.size).repeat(self.batch, 1, 1, 1).to(where)
        while True:
            advance()
            step(image, hole)


class Noise:
    """A set of one image that is in memory already, so that no file is read."""

    def __init__(self, side: int, channels: int) -> None:
        self.names: Sequence[str] = ("noise",)
        self.image = seeds.generator("noise").integers(0, 256, (side, side, channels)).astype("uint8")

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Array:
        return self.image


def _in_its_longest_phase(model: Model) -> Model:
    assert model.recipe, "only what learns has steps"
    longest = max(model.recipe.phases, key=lambda phase: phase.share)
    return replace(model, recipe=replace(model.recipe, phases=(longest,)))
