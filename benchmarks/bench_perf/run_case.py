"""Measuring one case: whoever computes it, in turn, with outputs compared."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from bench_core.errors import BadInput
from bench_perf.agreement import difference, magnitude
from bench_perf.records import Candidate, Case, Row, Runner
from bench_perf.roofline import RooflineKernel
from bench_perf.timing import Timing, alternate
from bench_perf.variants import Arithmetic
from bench_perf.worker import Failed

Kernels = Callable[[Arithmetic], RooflineKernel]
"""What this machine is best at, for each arithmetic."""


@dataclass(frozen=True)
class Ready:
    """A contender that has run once."""

    candidate: Candidate
    runner: Runner
    output: Any


def measured(case: Case, seconds: float, kernels: Kernels) -> list[Row]:
    """One row for each contender of a case, timed in turn for so many seconds.

    Where FLOPs count, the machine's best kernel takes its turn with them. Whoever cannot be opened, run or timed is a
    row with the reason, and the others go on.
    """
    with ExitStack() as cleanup:
        begun = {candidate.name: _begin(candidate, cleanup) for candidate in case.candidates}
        ready = {name: each for name, each in begun.items() if isinstance(each, Ready)}
        beside = _kernels_beside(ready.values(), kernels)
        runs = {name: each.runner.run for name, each in ready.items()}
        timed = alternate(runs | {kernel.name: kernel.run for kernel in beside.values()}, seconds)
        rates = _rates(beside, timed)
        rows = [_row(case, name, timed.get(name, each), ready.get(name), rates) for name, each in begun.items()]
    reference = next((row for row in reversed(rows) if row.median), rows[-1])
    outputs = {name: each.output for name, each in ready.items()}
    return [_compared(row, reference, outputs, case.tolerance) for row in rows]


def _begin(candidate: Candidate, cleanup: ExitStack) -> Ready | Exception:
    try:
        runner = candidate.open(cleanup)
        output = runner.run()
        return Ready(candidate, runner, runner.output() if runner.output else output)
    except Exception as error:  # a gap in the table, told there
        return error


def _kernels_beside(ready: Iterable[Ready], kernels: Kernels) -> dict[Arithmetic, RooflineKernel]:
    """One for each arithmetic at which FLOPs count."""
    return {(at := each.candidate.arithmetic): kernels(at) for each in ready if each.runner.flops}


def _rates(
    beside: Mapping[Arithmetic, RooflineKernel], timed: Mapping[str, Timing | Exception]
) -> dict[Arithmetic, float]:
    """The FLOP/s of the kernels, where they did not fail."""
    rates: dict[Arithmetic, float] = {}
    for arithmetic, kernel in beside.items():
        found = timed[kernel.name]
        if isinstance(found, Timing):
            rates[arithmetic] = kernel.flops / found.median
    return rates


def _row(case: Case, name: str, found: Any, ready: Ready | None, rates: Mapping[Arithmetic, float]) -> Row:
    row = Row(case.part, case.name, name, case.unit, case.items)
    if ready is None or not isinstance(found, Timing):
        return replace(row, reason=_told(found))
    peak = ready.runner.peak() if ready.runner.peak else None
    row = replace(row, median=found.median, lower=found.lower, upper=found.upper, samples=found.samples, peak=peak)
    flops = ready.runner.flops() if ready.runner.flops else 0
    rate = rates.get(ready.candidate.arithmetic)
    return replace(row, flops=flops, rate=rate, floor=found.median * rate / flops) if flops and rate else row


def _compared(row: Row, reference: Row, outputs: Mapping[str, Any], tolerance: float) -> Row:
    """The row with its ratio to the reference's time, and its difference from the reference's output."""
    if row is reference or row.median is None or reference.median is None:
        return row
    apart = difference(outputs[row.name], outputs[reference.name])
    agrees = None if apart is None else apart <= tolerance * magnitude(outputs[reference.name])
    return replace(row, ratio=reference.median / row.median, difference=apart, agrees=agrees)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, BadInput | Failed) else f"{type(error).__name__}: {error}"
