"""How costs grow: fitted powers, points of every kind, and plots that stand for the measurements beside them."""

import json
import os
import runpy
from functools import partial
from pathlib import Path

import pytest
from support.paths import ROOT

MEASURED = ROOT / "reports" / "performance" / "growth.json"
PLOTS = runpy.run_path(str(ROOT / "reports" / "performance" / "growth_plots.py"))


@pytest.fixture
def benchmarks(monkeypatch: pytest.MonkeyPatch):
    """They are run from the root, and not installed."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import growing, growth

    return growing, growth


def test_the_power_is_that_of_the_upper_half(benchmarks):
    _, growth = benchmarks
    numbers = [64, 128, 256, 512, 1024]
    costs = [7.0, 7.0, 1.0, 8.0, 8.0]  # the last three rise by three doublings in two; which of them, is no matter
    assert growth.power(numbers, costs) == 1.5
    assert growth.power([1, 2, 4, 8], [9, 1, None, 8]) == 1.5, "a gap is left out"
    assert growth.power([1, 2, 4, 8], [9, 1, 0, 8]) == 1.5, "and so is what was too little to measure"
    assert growth.power([1, 4, 8], [None, 3, 6]) == 1, "two are enough"
    assert growth.power([10, 100], [5, None]) is None


def test_a_small_point_of_every_kind_is_measured(benchmarks):
    growing, growth = benchmarks
    with growing.painting("pconv", "nano", 64, 2) as paint:
        assert paint().shape == (2, 3, 64, 64)
    with growing.judging(2) as judge:
        assert set(judge()["image"]) == {"0", "1"}
    work = partial(growing.reporting, methods=2, seeds=1, images=2, metrics=2)
    with work() as report:
        (table,) = report()
        assert len(table.values) == 2
    found = growth.point(work, 1)
    assert found["seconds"] > 0


def test_a_process_that_ends_leaves_a_gap_with_its_reason(benchmarks):
    found = benchmarks[1].point(partial(os._exit, 1), 1)
    assert found["seconds"] is None
    assert "BrokenProcessPool" in found["reason"]


def test_equal_measurements_are_drawn_alike_and_named(tmp_path: Path):
    points = [{"number": 10, "seconds": 0.1, "mib": 1.0}, {"number": 100, "seconds": None, "mib": None}]
    curve = {"against": "images", "name": "judging", "points": points, "powers": {"seconds": None, "mib": 0.5}}
    measured = tmp_path / "growth.json"
    measured.write_text(json.dumps({"curves": [curve]}))
    drawn = []
    for _ in range(2):
        PLOTS["draw"](measured, tmp_path)
        drawn.append((tmp_path / "growth-images.svg").read_bytes())
    assert drawn[0] == drawn[1]
    assert PLOTS["digest"](measured).encode() in drawn[0]


@pytest.mark.skipif(not MEASURED.exists(), reason="growth is not yet measured: python -m benchmarks.growth")
def test_the_plots_in_the_docs_are_those_of_the_measurements():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "not yet measured" not in page
    for against in PLOTS["AGAINST"]:
        assert f"(growth-{against}.svg)" in page
        assert PLOTS["digest"](MEASURED) in (ROOT / "docs" / f"growth-{against}.svg").read_text(encoding="utf-8")
