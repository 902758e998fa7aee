"""How long a training step takes, and how much memory: each contender steps in a process of its own."""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

from bench_core.performance.records import Case, Contender, Runner
from bench_core.performance.settings import Settings, shown
from bench_core.performance.stepping import Stepper
from bench_core.performance.steps import OurSteps, Steps, TheirSteps


def cases(settings: Settings) -> Iterator[Case]:
    """A step of every method that learns, at the smallest size with the largest batch."""
    size, batch = min(settings.sizes), max(settings.batches)
    for name in settings.methods:
        if settings.plugins.model(name).recipe:
            contenders = tuple(_contenders(settings, name, size, batch))
            yield Case("training", f"{name} {size} b{batch}", contenders, "images", batch)


def _contenders(settings: Settings, name: str, size: int, batch: int) -> Iterator[Contender]:
    for precision in settings.precisions:
        ours = OurSteps(name, settings.scale, size, batch, settings.device, precision)
        yield Contender(shown(name, precision), partial(_open, ours, settings.threads), precision)
    if name in settings.rivals:
        theirs = TheirSteps(settings.rivals[name], size, batch, settings.device)
        yield Contender(theirs.rival.name, partial(_open, theirs, settings.threads))


def _open(steps: Steps, threads: int, cleanup: ExitStack) -> Runner:
    stepper = Stepper(steps, threads)
    cleanup.callback(stepper.close)
    return Runner(stepper.step, stepper.flops, stepper.peak)
