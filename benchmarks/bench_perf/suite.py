"""All that is measured, part by part."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial

import torch

from bench_core.system.progress import progress_bar
from bench_perf import machine
from bench_perf.cases import forward, loading, masks, metrics, overhead, startup, training
from bench_perf.records import Case, Report, Row
from bench_perf.roofline import best_kernel
from bench_perf.run_case import measured
from bench_perf.settings import Settings

PARTS: dict[str, Callable[[Settings], Iterator[Case]]] = {
    "forward": forward.cases,
    "training": training.cases,
    "overhead": overhead.cases,
    "metrics": metrics.cases,
    "masks": masks.cases,
    "loading": loading.cases,
    "startup": startup.cases,
}


def measure(settings: Settings) -> Report:
    """Measure every case of the wanted parts. What cannot be measured is a row with the reason."""
    facts = machine.facts(settings)
    cases = [case for part in settings.parts for case in PARTS[part](settings)]
    kernels = cache(partial(best_kernel, settings.place))
    rows: list[Row] = []
    with _threads(settings.threads), progress_bar("measuring", len(cases), "") as tell:
        for done, case in enumerate(cases):
            tell(done, f"{case.part}: {case.name}")
            rows += measured(case, settings.seconds, kernels)
        tell(len(cases), "")
    used = {form.arithmetic for form in settings.forms} if any(row.rate for row in rows) else ()
    named = {arithmetic: kernels(arithmetic).name for arithmetic in used}
    return Report({**facts, "load_after": machine.load(), "kernels": named}, tuple(rows))


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Torch on so many threads, and then on as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
