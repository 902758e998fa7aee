"""How times are taken, what floor they are told above, and when two computations count as the same."""

from collections.abc import Callable
from contextlib import ExitStack
from math import inf, nan
from time import perf_counter

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from bench_core.errors import BadInput
from bench_core.performance.agreement import difference
from bench_core.performance.floor import Kernel, best_kernel, count_flops
from bench_core.performance.records import Case, Contender, Row, Runner
from bench_core.performance.side_by_side import measured
from bench_core.performance.timing import FEWEST, MOST, Timing, alternate

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


def test_the_best_kernel_reaches_what_a_matrix_product_does(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bench_core.performance.floor.SECONDS", 0.0)
    kernel = best_kernel(CPU, "32-true")
    one, other = torch.rand(64, 64), torch.rand(64, 64)
    small = alternate({"small": lambda: one @ other, "kernel": kernel.run}, seconds=0.1)
    assert isinstance(small["small"], Timing) and isinstance(small["kernel"], Timing)
    assert kernel.flops > 1e9
    assert kernel.flops / small["kernel"].median > 0.1 * 2 * 64**3 / small["small"].median


def contender(name: str, output: object, takes: float, flops: float | None = None) -> Contender:
    """Always gives the same, after so many milliseconds."""

    def run() -> object:
        end = perf_counter() + takes / 1000
        while perf_counter() < end:
            pass
        return output

    count = None if flops is None else lambda: float(flops)
    return Contender(name, lambda cleanup: Runner(run, count))


def rows_of(*contenders: Contender, tolerance: float = 1e-4) -> dict[str, Row]:
    kernel = Kernel("kernel", contender("", None, 2).open(ExitStack()).run, flops=1e6)
    case = Case("forward", "case", contenders, "images", 3, tolerance)
    return {row.name: row for row in measured(case, 0.05, lambda precision: kernel)}


def test_ratios_and_floors_are_those_of_the_medians():
    rows = rows_of(contender("ours", 1.0, 4, flops=1e6), contender("theirs", 1.0, 12, flops=4e6))
    ours, theirs = rows["ours"], rows["theirs"]
    assert ours.median and theirs.median and ours.rate and theirs.floor
    assert ours.ratio == pytest.approx(theirs.median / ours.median) and theirs.ratio is None
    assert ours.ratio == pytest.approx(3, rel=0.5)
    # the kernel does 1e6 FLOPs in 2 ms, so ours could have taken 2 ms and theirs 8
    assert ours.floor == pytest.approx(ours.median * ours.rate / 1e6) == pytest.approx(2, rel=0.5)
    assert theirs.floor == pytest.approx(12 / 8, rel=0.5)
    assert ours.per_second == pytest.approx(3 / ours.median)


def test_a_rival_that_paints_differently_does_not_agree():
    picture = torch.full((1, 3, 4, 4), 0.5)
    rows = rows_of(
        contender("ours", picture, 0), contender("close", picture + 5e-5, 0), contender("theirs", picture, 0)
    )
    assert rows["ours"].agrees and rows["close"].agrees
    assert rows["close"].difference == pytest.approx(5e-5, rel=0.01)
    other = picture.clone()
    other[0, 2, 3, 1] += 0.01
    off = rows_of(contender("ours", other, 0), contender("theirs", picture, 0))["ours"]
    assert off.agrees is False and off.difference == pytest.approx(0.01, rel=1e-4)
    large = rows_of(contender("ours", 1000.05, 0), contender("theirs", 1000.0, 0))["ours"]
    assert large.agrees, "the tolerance is relative"


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


def test_what_cannot_be_measured_is_a_gap_and_the_last_that_can_is_the_reference():
    def missing(cleanup: ExitStack) -> Runner:
        raise BadInput("Its weights are missing.")

    def breaks() -> None:
        raise ZeroDivisionError("by nought")

    gaps = Contender("missing", missing), Contender("breaks", lambda cleanup: Runner(breaks))
    rows = rows_of(contender("a", 1.0, 0), contender("b", 1.0, 0), *gaps)
    assert rows["missing"].reason == "Its weights are missing."
    assert rows["breaks"].reason == "ZeroDivisionError: by nought"
    assert rows["missing"].median is None and rows["breaks"].ratio is None
    assert rows["a"].ratio and rows["b"].ratio is None and not rows["a"].reason


def test_what_was_opened_is_closed_also_when_another_fails():
    closed = []

    def opened(cleanup: ExitStack) -> Runner:
        cleanup.callback(closed.append, "closed")
        return Runner(lambda: closed.append("run") if "closed" in closed else None)

    rows_of(Contender("a", opened), Contender("b", lambda cleanup: 1 / 0))  # type: ignore[arg-type]
    assert closed == ["closed"]
