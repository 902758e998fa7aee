"""How long methods take to paint."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import torch
from torch import Tensor

from bench_core.conformance import probes
from bench_core.conformance.opening import open_subject
from bench_core.conformance.subject import Subject
from bench_core.devices import Precision, open_fabric
from bench_core.errors import BadInput
from bench_core.performance.against import Rival
from bench_core.performance.floor import count_flops
from bench_core.performance.records import Case, Contender, Runner
from bench_core.performance.settings import Settings, shown
from bench_core.performance.timing import Run, settled
from bench_core.serving import refused_size


def cases(settings: Settings) -> Iterator[Case]:
    """Every method at every size and batch, on the same photograph with the same hole in its middle."""
    for name in settings.methods:
        for size in settings.sizes:
            for batch in settings.batches:
                contenders = _contenders(settings, name, size, batch)
                yield Case("forward", f"{name} {size} b{batch}", tuple(contenders), "images", batch)


def _contenders(settings: Settings, name: str, size: int, batch: int) -> Iterator[Contender]:
    for precision in settings.precisions:
        opened = partial(_ours, settings, name, size, batch, precision)
        yield Contender(shown(name, precision), opened, precision)
    if name in settings.rivals:
        rival = settings.rivals[name]
        yield Contender(rival.name, partial(_theirs, settings, rival, name, size, batch))


def _ours(settings: Settings, name: str, size: int, batch: int, precision: Precision, cleanup: ExitStack) -> Runner:
    subject = _opened(settings, name, size)
    if subject.is_network:
        subject.method.generator = open_fabric(settings.device, precision).setup_module(subject.method.generator)
    given = _given(subject, size, batch)
    return _runner(lambda: subject.method.predict(*given), settings.place)


def _theirs(settings: Settings, rival: Rival, name: str, size: int, batch: int, cleanup: ExitStack) -> Runner:
    subject = _opened(settings, name, size)
    paint = rival.build(subject.method)
    masked, hole, *_ = _given(subject, size, batch)
    return _runner(lambda: paint(masked, hole), settings.place)


def _opened(settings: Settings, name: str, size: int) -> Subject:
    """The method with weights drawn from a seed, so that two are alike."""
    subject = open_subject(name, None, settings.scale, settings.device)
    if reason := refused_size(subject.model, settings.scale, size):
        raise BadInput(f"{name} {reason}.")
    return subject


def _given(subject: Subject, size: int, batch: int) -> tuple[Tensor, ...]:
    """Masked images, holes and guidance; each image of a batch is turned a little further."""
    photograph = probes.photograph(subject.plugins, subject.channels, size, size)
    images = torch.cat([photograph.roll(number * size // batch, -1) for number in range(batch)])
    return subject.shown(images, probes.center(size, size).repeat(batch, 1, 1, 1)).given


def _runner(paint: Callable[[], Tensor], device: torch.device) -> Runner:
    run: Run = settled(paint, device)
    return Runner(run, flops=partial(count_flops, run))
