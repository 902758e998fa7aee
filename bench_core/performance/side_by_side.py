"""Measuring one case: whoever computes it, in turn, with outputs compared."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from bench_core.devices import Precision
from bench_core.errors import BadInput
from bench_core.performance.agreement import difference, magnitude
from bench_core.performance.records import Case, Contender, Row, Runner
from bench_core.performance.timing import Timing, alternate

Rate = Callable[[Precision], float]
"""The best FLOP/s of this machine at a precision."""


@dataclass(frozen=True)
class Ready:
    """A contender that has run once."""

    runner: Runner
    output: Any


def measured(case: Case, seconds: float, rate: Rate) -> list[Row]:
    """One row for each contender of a case, timed in turn for so many seconds.

    Whoever cannot be opened, run or timed is a row with the reason, and the others go on.
    """
    with ExitStack() as cleanup:
        begun = {contender.name: _begin(contender, cleanup) for contender in case.contenders}
        ready = {name: each for name, each in begun.items() if isinstance(each, Ready)}
        timed = alternate({name: each.runner.run for name, each in ready.items()}, seconds)
        results = {name: timed.get(name, each) for name, each in begun.items()}
        rows = [_row(case, one, results[one.name], ready.get(one.name), rate) for one in case.contenders]
    outputs = {name: each.output for name, each in ready.items()}
    reference = next((row for row in reversed(rows) if row.median), rows[-1])
    return [_compared(row, reference, outputs, case.tolerance) for row in rows]


def _begin(contender: Contender, cleanup: ExitStack) -> Ready | Exception:
    try:
        runner = contender.open(cleanup)
        return Ready(runner, runner.run())
    except Exception as error:  # a gap in the table, told there
        return error


def _row(case: Case, contender: Contender, result: Any, ready: Ready | None, rate: Rate) -> Row:
    row = Row(case.part, case.name, contender.name, case.unit, case.items)
    if ready is None or not isinstance(result, Timing):
        return replace(row, reason=_told(result))
    lower, median, upper = result.quartiles
    peak = ready.runner.peak() if ready.runner.peak else None
    row = replace(row, median=median, lower=lower, upper=upper, samples=result.samples, peak=peak)
    flops = ready.runner.flops() if ready.runner.flops else 0
    return replace(row, flops=flops, floor=median * rate(contender.precision) / flops) if flops else row


def _compared(row: Row, reference: Row, outputs: dict[str, Any], tolerance: float) -> Row:
    """The row with its ratio to the reference's time, and its difference from the reference's output."""
    if row is reference or row.median is None or reference.median is None:
        return row
    apart = difference(outputs[row.name], outputs[reference.name])
    agrees = None if apart is None else apart <= tolerance * magnitude(outputs[reference.name])
    return replace(row, ratio=reference.median / row.median, difference=apart, agrees=agrees)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, BadInput) else f"{type(error).__name__}: {error}"
