"""Measure one case: time its candidates in alternation, and compare their outputs."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from math import inf
from typing import Any

import numpy as np

from bench_core.errors import BadInput
from bench_core.specs import Precision
from bench_perf.records import Candidate, Case, Row, Runner
from bench_perf.roofline import RooflineKernel
from bench_perf.timing import Timing, alternate
from bench_perf.worker import WorkerError, to_array

FindKernel = Callable[[Precision], RooflineKernel]


@dataclass(frozen=True)
class Opened:
    """Candidate that has run once, with the output of that run."""

    candidate: Candidate
    runner: Runner
    output: Any


def run_case(case: Case, seconds: float, find_kernel: FindKernel) -> list[Row]:
    """Time the candidates of a case in alternation for `seconds`, and return one row for each.

    Candidates that count FLOPs alternate with the roofline kernel of their precision. A candidate that raises gets a
    row with the reason.
    """
    with ExitStack() as cleanup:
        opened = {candidate.name: _open(candidate, cleanup) for candidate in case.candidates}
        ready = {name: each for name, each in opened.items() if isinstance(each, Opened)}
        with_flops = [each.candidate for each in ready.values() if each.runner.count_flops]
        kernels: dict[Precision, RooflineKernel] = {
            candidate.precision: find_kernel(candidate.precision) for candidate in with_flops
        }
        runs = {name: each.runner.run for name, each in ready.items()}
        timed = alternate(runs | {kernel.name: kernel.run for kernel in kernels.values()}, seconds)
        rates: dict[Precision, float] = {}
        for precision, kernel in kernels.items():
            if isinstance(timing := timed[kernel.name], Timing):
                rates[precision] = kernel.flops / timing.median
        rows = [_row(case, name, timed.get(name, each), ready.get(name), rates) for name, each in opened.items()]
    reference = next((row for row in reversed(rows) if row.median), rows[-1])
    outputs = {name: each.output for name, each in ready.items()}
    return [_compare(row, reference, outputs, case.tolerance) for row in rows]


def _open(candidate: Candidate, cleanup: ExitStack) -> Opened | Exception:
    try:
        runner = candidate.open(cleanup)
        output = runner.run()
        return Opened(candidate, runner, runner.output() if runner.output else output)
    except Exception as error:  # becomes the reason in the candidate's row
        return error


def _row(case: Case, name: str, result: Any, opened: Opened | None, rates: Mapping[Precision, float]) -> Row:
    row = Row(case.part, case.name, name, case.unit, case.items)
    if opened is None or not isinstance(result, Timing):
        known = isinstance(result, BadInput | WorkerError)
        return replace(row, reason=str(result) if known else f"{type(result).__name__}: {result}")
    runner, rate = opened.runner, rates.get(opened.candidate.precision)
    peak = runner.peak_memory() if runner.peak_memory else None
    row = replace(row, median=result.median, lower=result.lower, upper=result.upper, samples=result.samples, peak=peak)
    # Counting slows a step down, so it takes an extra one after the timing.
    flops = runner.count_flops() if runner.count_flops else 0
    return replace(row, flops=flops, rate=rate, floor=result.median * rate / flops) if flops and rate else row


def _compare(row: Row, reference: Row, outputs: Mapping[str, Any], tolerance: float) -> Row:
    """Add the speed-up over the reference, and the difference from its output."""
    if row is reference or row.median is None or reference.median is None:
        return row
    expected = outputs[reference.name]
    off = difference(outputs[row.name], expected)
    agrees = None if off is None else off <= tolerance * float(np.abs(_floats(expected)).max(initial=1))
    return replace(row, ratio=reference.median / row.median, difference=off, agrees=agrees)


def difference(one: Any, other: Any) -> float | None:
    """Return the largest absolute difference of two tensors, arrays or numbers.

    It is infinite if the shapes differ or only one of two values is NaN, and None if an output is missing.
    """
    if one is None or other is None:
        return None
    first, second = _floats(one), _floats(other)
    if first.shape != second.shape:
        return inf
    equal = (first == second) | (np.isnan(first) & np.isnan(second))
    with np.errstate(invalid="ignore"):  # inf - inf, which `equal` replaces by 0
        differences = np.where(equal, 0, np.abs(first - second))
    return float(np.nan_to_num(differences, nan=inf, posinf=inf).max(initial=0))


def _floats(output: Any) -> np.ndarray:
    return np.asarray(to_array(output), dtype=np.float64)
