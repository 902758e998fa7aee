"""Records of the speed lab: cases to measure, their candidates, and the rows of a report."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import Any

from bench_core.specs import Precision
from bench_perf.timing import Run


@dataclass(frozen=True)
class Runner:
    """Candidate that is ready to run."""

    run: Run
    count_flops: Callable[[], float] | None = None
    """Counts the FLOPs of one run; None if FLOPs say little about its cost."""
    peak_memory: Callable[[], float | None] | None = None
    """Reads the peak memory since the runner was opened, in MiB."""
    output: Callable[[], Any] | None = None
    """Fetches the output of the last run; None if `run` returns it."""


@dataclass(frozen=True)
class Candidate:
    """One of several implementations of the same computation."""

    name: str
    open: Callable[[ExitStack], Runner]
    """Prepares the candidate, and registers its cleanup on the stack."""
    precision: Precision = "32-true"


@dataclass(frozen=True)
class Case:
    """Computation with its candidates, which are timed in alternation."""

    part: str
    name: str
    candidates: tuple[Candidate, ...]
    """The last one that can be measured is the reference of the others."""
    unit: str
    items: int = 1
    """Units per run."""
    tolerance: float = 1e-4
    """Largest difference of outputs that still counts as the same function, relative to the largest value."""


@dataclass(frozen=True)
class Row:
    """Result of one candidate, in seconds per run. Values that could not be measured are None."""

    part: str
    case: str
    name: str
    unit: str
    items: int
    median: float | None = None
    lower: float | None = None
    """Lower quartile."""
    upper: float | None = None
    """Upper quartile."""
    samples: tuple[float, ...] = ()
    ratio: float | None = None
    """Speed-up over the reference, by medians; None for the reference itself."""
    flops: float | None = None
    rate: float | None = None
    """FLOP/s of the roofline kernel, timed in alternation with the candidates."""
    floor: float | None = None
    """Median divided by the time that the FLOPs take at that rate."""
    peak: float | None = None
    """Peak memory in MiB."""
    difference: float | None = None
    """Largest absolute difference from the reference's output."""
    agrees: bool | None = None
    """True if the difference is within the case's tolerance."""
    reason: str = ""
    """Reason why there is no measurement."""

    @property
    def per_second(self) -> float | None:
        """Units per second."""
        return self.items / self.median if self.median else None


@dataclass(frozen=True)
class Report:
    """Measured rows, with everything that describes the measurement."""

    metadata: dict[str, Any]
    """Machine, versions, date, settings, load and roofline kernels."""
    rows: tuple[Row, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which has no infinity: an infinite difference becomes ``"inf"``."""
        rows = [{**asdict(row), "per_second": row.per_second} for row in self.rows]
        for row in rows:
            row["difference"] = "inf" if row["difference"] == float("inf") else row["difference"]
        return {**self.metadata, "rows": rows}
