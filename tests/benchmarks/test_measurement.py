"""Timing in alternation, the roofline, and the comparison of outputs."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from math import inf, nan

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from bench_core.errors import BadInput
from bench_perf import roofline, run_case
from bench_perf.records import Candidate, Case, Row, Runner
from bench_perf.roofline import RooflineKernel, count_flops
from bench_perf.run_case import difference
from bench_perf.timing import MAX_ROUNDS, MIN_ROUNDS, Timing, alternate

CPU = torch.device("cpu")


class Clock:
    """Clock that only a run moves."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, []

    def __call__(self) -> float:
        return self.now

    def run(self, name: str, *seconds: float) -> Callable[[], None]:
        """Make a run that takes these seconds, one after the other, and repeats the last."""
        left = list(seconds)

        def passing() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return passing


def test_runs_alternate_and_every_other_round_is_reversed():
    clock = Clock()
    alternate({"a": clock.run("a", 1), "b": clock.run("b", 1)}, seconds=8.0, clock=clock)
    assert "".join(clock.calls) == "ba" + "ab" + "ba" + "ab" + "ba"


def test_the_first_round_warms_up_and_does_not_count():
    clock = Clock()
    timing = alternate({"a": clock.run("a", 100, 4, 1, 2, 3, 5)}, seconds=15.0, clock=clock)["a"]
    assert isinstance(timing, Timing)
    assert timing.samples == (4, 1, 2, 3, 5)
    assert (timing.lower, timing.median, timing.upper) == (2, 3, 4)


@pytest.mark.parametrize(
    ("takes", "seconds", "rounds"), [(10.0, 1.0, MIN_ROUNDS), (1.0, 7.0, 7), (1e-9, 1e9, MAX_ROUNDS)]
)
def test_rounds_stop_when_the_time_is_over(takes: float, seconds: float, rounds: int):
    clock = Clock()
    timing = alternate({"a": clock.run("a", takes)}, seconds, clock)["a"]
    assert isinstance(timing, Timing)
    assert len(timing.samples) == rounds


def test_a_run_that_raises_is_not_called_again():
    clock, calls = Clock(), []

    def fails() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("too large")

    found = alternate({"fails": fails, "a": clock.run("a", 1)}, seconds=5.0, clock=clock)
    assert isinstance(found["fails"], MemoryError) and len(calls) == 2
    assert isinstance(found["a"], Timing) and len(found["a"].samples) == 5


def test_flops_of_a_convolution_equal_the_formula():
    image, weight = torch.rand(2, 3, 16, 20), torch.rand(8, 3, 5, 5)
    outputs = 2 * 8 * 16 * 20  # batch, channels, rows, columns
    assert count_flops(lambda: conv2d(image, weight, padding=2)) == 2 * outputs * 3 * 5 * 5
    with torch.inference_mode():  # as methods are run
        assert count_flops(lambda: conv2d(image, weight, padding=2)) == 2 * outputs * 3 * 5 * 5


def test_the_best_kernel_has_the_highest_rate(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roofline, "SECONDS", 0.0)
    assert roofline.best_kernel(CPU, "32-true").flops > 1e9
    one, many = torch.rand(2, 2), torch.rand(400, 400)  # calling takes longer than multiplying four numbers
    monkeypatch.setattr(roofline, "_kernels", lambda *_: {"few": lambda: one @ one, "many": lambda: many @ many})
    kernel = roofline.best_kernel(CPU, "32-true")
    assert (kernel.name, kernel.flops) == ("many, 32-true", 2 * 400**3)


Rows = Callable[..., dict[str, Row]]


@pytest.fixture
def rows_of(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """Return a function that measures candidates, each given as its output and optionally its seconds and FLOPs.

    The roofline kernel takes two seconds for a million FLOPs.
    """
    clock = Clock()
    monkeypatch.setattr(run_case, "alternate", partial(alternate, clock=clock))
    kernel = RooflineKernel("kernel", clock.run("kernel", 2.0), flops=1e6)

    def candidate(name: str, output: object, takes: float = 1.0, flops: float | None = None) -> Candidate:
        passing = clock.run(name, takes)
        count = None if flops is None else lambda: float(flops)
        return Candidate(name, lambda cleanup: Runner(lambda: [passing(), output][1], count))

    def rows(*more: Candidate, **given: tuple) -> dict[str, Row]:
        candidates = (*(candidate(name, *facts) for name, facts in given.items()), *more)
        found = run_case.run_case(Case("forward", "case", candidates, "images", 3), 5.0, lambda precision: kernel)
        return {row.name: row for row in found}

    return rows


def test_speed_up_and_roofline_use_medians(rows_of: Rows):
    rows = rows_of(ours=(1.0, 4.0, 1e6), theirs=(1.0, 12.0, 4e6))
    ours, theirs = rows["ours"], rows["theirs"]
    assert (ours.ratio, theirs.ratio) == (3, None)
    assert (ours.rate, ours.floor) == (5e5, 2), "the kernel would take 2 seconds"
    assert theirs.floor == 12 / 8
    assert ours.per_second == 3 / 4


def test_a_baseline_with_another_output_does_not_agree(rows_of: Rows):
    image = torch.full((1, 3, 4, 4), 0.5)
    rows = rows_of(ours=(image.clone(),), close=(image + 5e-5,), theirs=(image,))
    assert rows["ours"].agrees and rows["close"].agrees
    assert rows["close"].difference == pytest.approx(5e-5, rel=0.01)
    other = image.clone()
    other[0, 2, 3, 1] += 0.01
    off = rows_of(ours=(other,), theirs=(image,))["ours"]
    assert off.agrees is False and off.difference == pytest.approx(0.01, rel=1e-4)
    assert rows_of(ours=(1000.05,), theirs=(1000.0,))["ours"].agrees, "the tolerance is relative"


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (torch.tensor([1.0, 2.0]), np.array([1.0, 2.5]), 0.5),
        ([1.0, nan, inf], [1.0, nan, inf], 0),
        ([1.0, nan], [1.0, 2.0], inf),
        ([inf], [-inf], inf),
        (np.uint8(3), np.uint8(5), 2),
        (torch.zeros(2), torch.zeros(1, 2), inf),
        (None, torch.zeros(2), None),
    ],
)
def test_difference_is_the_largest_of_all_values(one: object, other: object, expected: float | None):
    assert difference(one, other) == expected


def test_failures_have_reasons_and_the_last_success_is_the_reference(rows_of: Rows):
    def missing(cleanup: ExitStack) -> Runner:
        raise BadInput("Its weights are missing.")

    def breaks() -> None:
        raise ZeroDivisionError("by nought")

    failing = Candidate("missing", missing), Candidate("breaks", lambda cleanup: Runner(breaks))
    rows = rows_of(*failing, a=(1.0,), b=(1.0,))
    assert rows["missing"].reason == "Its weights are missing."
    assert rows["breaks"].reason == "ZeroDivisionError: by nought"
    assert rows["missing"].median is None and rows["breaks"].ratio is None
    assert rows["a"].ratio and rows["b"].ratio is None and not rows["a"].reason


def test_opened_candidates_are_closed_even_if_another_fails(rows_of: Rows):
    closed = []

    def open_first(cleanup: ExitStack) -> Runner:
        cleanup.callback(closed.append, "closed")
        return Runner(lambda: closed.append("run") if "closed" in closed else None)

    rows_of(Candidate("a", open_first), Candidate("b", lambda cleanup: 1 / 0))  # type: ignore[arg-type]
    assert closed == ["closed"]
