"""How times are taken, what floor they are told above, and when two computations count as the same."""

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
from bench_perf.agreement import difference
from bench_perf.records import Candidate, Case, Row, Runner
from bench_perf.roofline import RooflineKernel, count_flops
from bench_perf.timing import FEWEST, MOST, Timing, alternate

CPU = torch.device("cpu")


class Clock:
    """Time that passes only where a run says so."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, []

    def __call__(self) -> float:
        return self.now

    def run(self, name: str, *seconds: float) -> Callable[[], None]:
        """A run that takes so long each time, and ever after as long as the last time."""
        left = list(seconds)

        def passing() -> None:
            self.calls.append(name)
            self.now += left.pop(0) if len(left) > 1 else left[0]

        return passing


def test_runs_take_turns_and_each_is_first_as_often_as_last():
    clock = Clock()
    alternate({"a": clock.run("a", 1), "b": clock.run("b", 1)}, seconds=8.0, clock=clock)
    assert "".join(clock.calls) == "ba" + "ab" + "ba" + "ab" + "ba"


def test_the_first_round_warms_up_and_the_quartiles_are_of_the_others():
    clock = Clock()
    found = alternate({"a": clock.run("a", 100, 4, 1, 2, 3, 5)}, seconds=15.0, clock=clock)["a"]
    assert isinstance(found, Timing)
    assert found.samples == (4, 1, 2, 3, 5)
    assert (found.lower, found.median, found.upper) == (2, 3, 4)


@pytest.mark.parametrize(("takes", "seconds", "rounds"), [(10.0, 1.0, FEWEST), (1.0, 7.0, 7), (1e-9, 1e9, MOST)])
def test_rounds_go_on_until_the_time_is_over(takes: float, seconds: float, rounds: int):
    clock = Clock()
    found = alternate({"a": clock.run("a", takes)}, seconds, clock)["a"]
    assert isinstance(found, Timing)
    assert len(found.samples) == rounds


def test_a_run_that_fails_is_not_called_again_and_the_others_go_on():
    clock, calls = Clock(), []

    def fails() -> None:
        calls.append(1)
        if len(calls) == 2:
            raise MemoryError("too large")

    found = alternate({"fails": fails, "a": clock.run("a", 1)}, seconds=5.0, clock=clock)
    assert isinstance(found["fails"], MemoryError) and len(calls) == 2
    assert isinstance(found["a"], Timing) and len(found["a"].samples) == 5


def test_flops_of_one_convolution_are_those_counted_by_hand():
    image, weight = torch.rand(2, 3, 16, 20), torch.rand(8, 3, 5, 5)
    outputs = 2 * 8 * 16 * 20  # batch, channels, rows, columns
    assert count_flops(lambda: conv2d(image, weight, padding=2)) == 2 * outputs * 3 * 5 * 5
    with torch.inference_mode():  # as methods are run
        assert count_flops(lambda: conv2d(image, weight, padding=2)) == 2 * outputs * 3 * 5 * 5


def test_the_best_kernel_is_that_of_the_highest_rate(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(roofline, "SECONDS", 0.0)
    assert roofline.best_kernel(CPU, "32-true").flops > 1e9
    one, many = torch.rand(2, 2), torch.rand(400, 400)  # calling takes longer than multiplying four numbers
    monkeypatch.setattr(roofline, "_kernels", lambda *_: {"few": lambda: one @ one, "many": lambda: many @ many})
    kernel = roofline.best_kernel(CPU, "32-true")
    assert (kernel.name, kernel.flops) == ("many, 32-true", 2 * 400**3)


Rows = Callable[..., dict[str, Row]]


@pytest.fixture
def rows_of(monkeypatch: pytest.MonkeyPatch) -> Rows:
    """What is found of contenders, each given as what it returns and, if need be, the seconds and FLOPs it takes.

    The machine's best kernel does a million FLOPs in two seconds.
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
        found = run_case.measured(Case("forward", "case", candidates, "images", 3), 5.0, lambda precision: kernel)
        return {row.name: row for row in found}

    return rows


def test_ratios_and_floors_are_those_of_the_medians(rows_of: Rows):
    rows = rows_of(ours=(1.0, 4.0, 1e6), theirs=(1.0, 12.0, 4e6))
    ours, theirs = rows["ours"], rows["theirs"]
    assert (ours.ratio, theirs.ratio) == (3, None)
    assert (ours.rate, ours.floor) == (5e5, 2), "its FLOPs could have taken 2 seconds"
    assert theirs.floor == 12 / 8
    assert ours.per_second == 3 / 4


def test_a_rival_that_paints_differently_does_not_agree(rows_of: Rows):
    picture = torch.full((1, 3, 4, 4), 0.5)
    rows = rows_of(ours=(picture.clone(),), close=(picture + 5e-5,), theirs=(picture,))
    assert rows["ours"].agrees and rows["close"].agrees
    assert rows["close"].difference == pytest.approx(5e-5, rel=0.01)
    other = picture.clone()
    other[0, 2, 3, 1] += 0.01
    off = rows_of(ours=(other,), theirs=(picture,))["ours"]
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
def test_differences_are_the_largest(one: object, other: object, expected: float | None):
    assert difference(one, other) == expected


def test_what_cannot_be_measured_is_a_gap_and_the_last_that_can_is_the_reference(rows_of: Rows):
    def missing(cleanup: ExitStack) -> Runner:
        raise BadInput("Its weights are missing.")

    def breaks() -> None:
        raise ZeroDivisionError("by nought")

    gaps = Candidate("missing", missing), Candidate("breaks", lambda cleanup: Runner(breaks))
    rows = rows_of(*gaps, a=(1.0,), b=(1.0,))
    assert rows["missing"].reason == "Its weights are missing."
    assert rows["breaks"].reason == "ZeroDivisionError: by nought"
    assert rows["missing"].median is None and rows["breaks"].ratio is None
    assert rows["a"].ratio and rows["b"].ratio is None and not rows["a"].reason


def test_what_was_opened_is_closed_also_when_another_fails(rows_of: Rows):
    closed = []

    def opened(cleanup: ExitStack) -> Runner:
        cleanup.callback(closed.append, "closed")
        return Runner(lambda: closed.append("run") if "closed" in closed else None)

    rows_of(Candidate("a", opened), Candidate("b", lambda cleanup: 1 / 0))  # type: ignore[arg-type]
    assert closed == ["closed"]
