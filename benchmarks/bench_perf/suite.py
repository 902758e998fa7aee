"""Suite of all cases, by the parts of a report."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial

import torch

from bench_core.system.progress import progress_bar
from bench_perf import machine
from bench_perf.cases import forward, loading, masks, metrics, overhead, startup, training
from bench_perf.records import Case, Report, Row
from bench_perf.roofline import best_kernel
from bench_perf.run_case import run_case
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


def measure(settings: Settings, save: Callable[[Report], None] = lambda report: None) -> Report:
    """Measure every case of the requested parts, and call `save` with all results so far after each."""
    return measure_cases(settings, (case for part in settings.parts for case in PARTS[part](settings)), save)


def measure_cases(
    settings: Settings, cases: Iterable[Case], save: Callable[[Report], None] = lambda report: None
) -> Report:
    """Measure cases one after the other. A candidate that cannot be measured gets a row with the reason."""
    metadata, cases = machine.metadata(settings), list(cases)
    find_kernel = cache(partial(best_kernel, settings.torch_device))
    rows: list[Row] = []

    def report() -> Report:
        precisions = {mode.precision for mode in settings.modes} if any(row.rate for row in rows) else ()
        kernels = {precision: find_kernel(precision).name for precision in precisions}
        return Report({**metadata, "load_after": machine.load_average(), "kernels": kernels}, tuple(rows))

    with _threads(settings.threads), progress_bar("measuring", len(cases), "") as update:
        for done, case in enumerate(cases):
            update(done, f"{case.part}: {case.name}")
            rows += run_case(case, settings.seconds, find_kernel)
            save(report())
        update(len(cases), "")
    return report()


@contextmanager
def _threads(number: int) -> Iterator[None]:
    """Set the number of torch's threads inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)
