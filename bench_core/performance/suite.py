"""All that is measured, part by part."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

import torch

from bench_core.devices import Precision
from bench_core.performance import forward, holes, loading, machine, metrics, startup, training
from bench_core.performance.floor import measured_rates
from bench_core.performance.records import Case, Report, Row
from bench_core.performance.settings import Settings
from bench_core.performance.side_by_side import measured
from bench_core.progress import tracking

PARTS: dict[str, Callable[[Settings], Iterator[Case]]] = {
    "forward": forward.cases,
    "training": training.cases,
    "metrics": metrics.cases,
    "masks": holes.cases,
    "loading": loading.cases,
    "startup": startup.cases,
}


def measure(settings: Settings) -> Report:
    """Measure every case of the wanted parts. What cannot be measured is a row with the reason."""
    facts = machine.facts(settings)
    cases = [case for part in settings.parts for case in PARTS[part](settings)]
    rates = cache(partial(measured_rates, settings.place))
    rows: list[Row] = []
    with _threads(settings.threads), tracking("measuring", len(cases)) as tell:
        for done, case in enumerate(cases):
            tell(done, f"{case.part}: {case.name}")
            rows += measured(case, settings.seconds, lambda precision: max(rates(precision).values()))
        tell(len(cases), "")
        used: set[Precision] = {*settings.precisions} if any(row.floor for row in rows) else set()
        facts["rates"] = {precision: rates(precision) for precision in sorted(used)}
    return Report({**facts, "load_after": machine.load()}, tuple(rows))


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Torch on so many threads, and then on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
