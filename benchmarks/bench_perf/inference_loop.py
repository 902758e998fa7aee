"""Painting without end: by one of our methods, and by a rival."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from bench_core.conformance import inputs
from bench_core.conformance.method_under_test import MethodUnderTest, build
from bench_core.errors import BadInput
from bench_core.methods.compatibility import refused_size
from bench_core.specs import Scale
from bench_perf.baseline import Baseline
from bench_perf.variants import Form


@dataclass(frozen=True)
class InferenceCase:
    """The same photograph with the same hole in its middle, each one of a batch turned a little further."""

    name: str
    """Of the method that paints, or that a rival is measured beside."""
    scale: Scale
    size: int
    batch: int
    device: str

    def opened(self) -> tuple[MethodUnderTest, tuple[Tensor, ...]]:
        """The method with weights drawn from a seed, and what it is given: masked images, holes and guidance.

        Raises:
            BadInput: the method cannot paint images of this size.
        """
        subject = build(self.name, None, self.scale, self.device)
        if reason := refused_size(subject.model, self.scale, self.size):
            raise BadInput(f"{self.name} {reason}.")
        photograph = inputs.photograph(subject.plugins, subject.channels, self.size, self.size)
        images = torch.cat([photograph.roll(number * self.size // self.batch, -1) for number in range(self.batch)])
        holes = inputs.center(self.size, self.size).repeat(self.batch, 1, 1, 1)
        return subject, subject.with_guidance(images, holes).method_inputs


@dataclass(frozen=True)
class OurInference:
    canvases: InferenceCase
    form: Form

    @property
    def device(self) -> str:
        return self.canvases.device

    def __call__(self, advance: Callable[..., None]) -> None:
        subject, given = self.canvases.opened()
        method = subject.method
        with self.form.opened(self.device) as fabric:
            if subject.is_network:
                self.form.prepare(method.generator)
                method.generator = fabric.setup_module(method.generator)
            _paint_on(lambda: method.predict(*given), advance)


@dataclass(frozen=True)
class BaselineInference:
    canvases: InferenceCase
    baseline: Baseline

    @property
    def device(self) -> str:
        return self.canvases.device

    def __call__(self, advance: Callable[..., None]) -> None:
        subject, (masked, hole, *_) = self.canvases.opened()
        paint = self.baseline.build(subject.method)
        _paint_on(lambda: paint(masked, hole), advance)


def _paint_on(paint: Callable[[], Tensor], advance: Callable[..., None]) -> None:
    with torch.inference_mode():
        advance()
        while True:
            advance(paint())
