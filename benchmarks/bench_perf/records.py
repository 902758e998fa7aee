"""What is measured, and what was found."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from bench_perf.timing import Run
from bench_perf.variants import Arithmetic


@dataclass(frozen=True)
class Runner:
    """A computation that is ready to run."""

    run: Run
    """Its output is compared with those of the others, unless there is another `output`."""
    flops: Callable[[], float] | None = None
    """Counts its FLOPs; None where they are no measure of it."""
    peak: Callable[[], float | None] | None = None
    """The most memory that it held since it was opened, in MiB."""
    output: Callable[[], Any] | None = None
    """What the last run gave, where `run` does not return it."""


@dataclass(frozen=True)
class Candidate:
    """One of several ways to compute the same."""

    name: str
    open: Callable[[ExitStack], Runner]
    """Makes it ready; what must be closed in the end is entered in the stack."""
    arithmetic: Arithmetic = "32-true"


@dataclass(frozen=True)
class Case:
    """Something to compute, and those who do: all in turn, in one run."""

    part: str
    name: str
    candidates: tuple[Candidate, ...]
    """The last one that can be measured is the reference, which the others are compared with."""
    unit: str
    items: int = 1
    """How many units a run computes."""
    tolerance: float = 1e-4
    """How far outputs may lie apart, relative to the largest value, and still be of the same function."""


@dataclass(frozen=True)
class Row:
    """What was found of one contender. Times are in seconds for a run; what could not be had is None."""

    part: str
    case: str
    name: str
    unit: str
    items: int
    median: float | None = None
    lower: float | None = None
    """The lower quartile."""
    upper: float | None = None
    """The upper quartile."""
    samples: tuple[float, ...] = ()
    ratio: float | None = None
    """How many times as fast as the reference, by medians; None where there is none to compare with."""
    flops: float | None = None
    rate: float | None = None
    """FLOP/s of the machine's best kernel, run in turn with this."""
    floor: float | None = None
    """The median over the time that its FLOPs take at that rate."""
    peak: float | None = None
    """The most memory that it held, in MiB."""
    difference: float | None = None
    """The largest absolute difference from the reference's output."""
    agrees: bool | None = None
    """Whether that is within the case's tolerance."""
    reason: str = ""
    """Why there is no measurement."""

    @property
    def per_second(self) -> float | None:
        """Units a second."""
        return self.items / self.median if self.median else None


@dataclass(frozen=True)
class Report:
    """All that was measured, and on what."""

    facts: dict[str, Any]
    """Machine, versions, date, settings, load and the kernels that tell the floor."""
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, Any]:
        """As plain data, for JSON; an infinite difference, which JSON cannot hold, is the text "inf"."""
        return {**self.facts, "rows": [_plain(row) for row in self.rows]}


def _plain(row: Row) -> dict[str, Any]:
    facts = {**asdict(row), "per_second": row.per_second}
    return facts | ({"difference": "inf"} if row.difference == float("inf") else {})
