"""How long a training step takes, and how much memory: each contender steps in a process of its own."""

from collections.abc import Iterator
from functools import partial

from bench_perf.baseline import contenders_of
from bench_perf.records import Candidate, Case
from bench_perf.settings import Settings
from bench_perf.training_loop import BaselineTraining, OurTraining
from bench_perf.worker import apart


def cases(settings: Settings) -> Iterator[Case]:
    """A step of every method that learns, at every size with the largest batch."""
    batch = max(settings.batches)
    for name in settings.methods:
        for size in settings.sizes if settings.plugins.model(name).recipe else ():
            candidates = tuple(_contenders(settings, name, size, batch))
            yield Case("training", f"{name} {size} b{batch}", candidates, "images", batch)


def _contenders(settings: Settings, name: str, size: int, batch: int) -> Iterator[Candidate]:
    for form in settings.forms:
        ours = OurTraining(name, settings.scale, size, batch, settings.device, form)
        yield Candidate(form.called(name), partial(apart, ours, settings.threads), form.arithmetic)
    if baseline := settings.baselines.get(name):
        yield from contenders_of(baseline, BaselineTraining(baseline, size, batch, settings.device), settings.threads)
