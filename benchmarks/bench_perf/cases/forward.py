"""Inference time and peak memory of methods and baselines, each in a process of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NoReturn

import torch
from torch import Tensor

from bench_core.conformance import inputs as check_inputs
from bench_core.conformance.method_under_test import MethodUnderTest, build
from bench_core.errors import BadInput
from bench_core.methods.compatibility import refused_size
from bench_core.specs import Scale
from bench_perf.baseline import Baseline, baseline_candidates
from bench_perf.precision import ExecutionMode
from bench_perf.records import Candidate, Case
from bench_perf.settings import Settings
from bench_perf.worker import start_worker


def cases(settings: Settings) -> Iterator[Case]:
    """Yield every method at every size and batch."""
    for name in settings.methods:
        for size in settings.sizes:
            for batch in settings.batches:
                inputs = InferenceCase(name, settings.scale, size, batch, settings.device)
                candidates = tuple(_candidates(settings, inputs))
                yield Case("forward", f"{name} {size} b{batch}", candidates, "images", batch)


def _candidates(settings: Settings, inputs: "InferenceCase") -> Iterator[Candidate]:
    for mode in settings.modes:
        loop = InferenceLoop(inputs, mode)
        yield Candidate(mode.label(inputs.method), partial(start_worker, loop, settings.threads), mode.precision)
    if baseline := settings.baselines.get(inputs.method):
        yield from baseline_candidates(baseline, InferenceLoop(inputs, baseline=baseline), settings.threads)


@dataclass(frozen=True)
class InferenceCase:
    """Batch of one photograph with a hole in its centre. Each image of the batch is shifted a little further."""

    method: str
    """Method to measure, or the one that a baseline is compared with."""
    scale: Scale
    size: int
    batch: int
    device: str

    def build(self) -> tuple[MethodUnderTest, tuple[Tensor, ...]]:
        """Build the method with seeded random weights, and its inputs: masked images, holes and guidance.

        Raises:
            BadInput: the method does not support images of this size.
        """
        subject = build(self.method, None, self.scale, self.device)
        if reason := refused_size(subject.model, self.scale, self.size):
            raise BadInput(f"{self.method} {reason}.")
        photograph = check_inputs.photograph(subject.plugins, subject.channels, self.size, self.size)
        images = torch.cat([photograph.roll(number * self.size // self.batch, -1) for number in range(self.batch)])
        holes = check_inputs.center(self.size, self.size).repeat(self.batch, 1, 1, 1)
        return subject, subject.with_guidance(images, holes).method_inputs


@dataclass(frozen=True)
class InferenceLoop:
    """Endless inference of one of our methods, or of a baseline on the same inputs."""

    inputs: InferenceCase
    mode: ExecutionMode = field(default_factory=ExecutionMode)
    baseline: Baseline | None = None

    @property
    def device(self) -> str:
        return self.inputs.device

    def __call__(self, advance: Callable[..., None]) -> None:
        subject, tensors = self.inputs.build()
        method = subject.method
        if self.baseline:
            return _predict_forever(self.baseline.build(method), tensors[:2], advance)  # without guidance
        fabric = self.mode.open_fabric(self.device)
        if subject.is_network:
            self.mode.prepare(method.generator)
            method.generator = fabric.setup_module(method.generator)
        _predict_forever(method.predict, tensors, advance)


def _predict_forever(
    predict: Callable[..., Tensor], tensors: tuple[Tensor, ...], advance: Callable[..., None]
) -> NoReturn:
    with torch.inference_mode():
        advance()
        while True:
            advance(predict(*tensors))
