"""How long methods take to paint, and with how much memory: each contender paints in a process of its own."""

from collections.abc import Iterator
from functools import partial

from bench_core.performance.paintings import Canvases, OurPaintings, TheirPaintings
from bench_core.performance.records import Case, Contender
from bench_core.performance.rivals import contenders_of
from bench_core.performance.settings import Settings
from bench_core.performance.stepping import apart


def cases(settings: Settings) -> Iterator[Case]:
    """Every method at every size and batch."""
    for name in settings.methods:
        for size in settings.sizes:
            for batch in settings.batches:
                canvases = Canvases(name, settings.scale, size, batch, settings.device)
                yield Case(
                    "forward", f"{name} {size} b{batch}", tuple(_contenders(settings, canvases)), "images", batch
                )


def _contenders(settings: Settings, canvases: Canvases) -> Iterator[Contender]:
    for form in settings.forms:
        ours = OurPaintings(canvases, form)
        yield Contender(form.called(canvases.name), partial(apart, ours, settings.threads), form.arithmetic)
    if rival := settings.rivals.get(canvases.name):
        yield from contenders_of(rival, TheirPaintings(canvases, rival), settings.threads)
