"""Growth of costs: fitted powers, points of every kind, and plots that match the committed measurements."""

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
def growth(monkeypatch: pytest.MonkeyPatch):
    """Import the benchmark, which is not installed."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import growth

    return growth


def test_power_is_fitted_to_the_upper_half(growth):
    numbers = [64, 128, 256, 512, 1024]
    costs = [7.0, 7.0, 1.0, 8.0, 8.0]  # the last three rise by three doublings in two
    assert growth.power(numbers, costs) == 1.5
    assert growth.power([1, 2, 4, 8], [9, 1, None, 8]) == 1.5, "a gap is left out"
    assert growth.power([1, 2, 4, 8], [9, 1, 0, 8]) == 1.5, "a cost too small to measure is left out"
    assert growth.power([1, 4, 8], [None, 3, 6]) == 1, "two points are enough"
    assert growth.power([10, 100], [5, None]) is None


@pytest.mark.long
def test_a_small_point_of_every_kind_is_measured(growth):
    with growth.inference("pconv", "nano", 64, 2) as predict:
        assert predict().shape == (2, 3, 64, 64)
    with growth.evaluation(2) as evaluate:
        assert set(evaluate()["image"]) == {"0", "1"}
    work = partial(growth.report, methods=2, seeds=1, images=2, metrics=2)
    with work() as report:
        (table,) = report()
        assert len(table.values) == 2
    assert growth.measure_point(work, 1)["seconds"] > 0


@pytest.mark.long
def test_a_process_that_exits_leaves_a_gap_with_its_reason(growth):
    point = growth.measure_point(partial(os._exit, 1), 1)
    assert point["seconds"] is None
    assert "BrokenProcessPool" in point["reason"]


def test_plots_of_equal_measurements_are_equal_and_name_them(tmp_path: Path):
    points = [{"number": 10, "seconds": 0.1, "mib": 1.0}, {"number": 100, "seconds": None, "mib": None}]
    curve = {"against": "images", "name": "evaluation", "points": points, "powers": {"seconds": None, "mib": 0.5}}
    measured = tmp_path / "growth.json"
    measured.write_text(json.dumps({"curves": [curve]}))
    drawn = []
    for _ in range(2):
        PLOTS["draw"](measured, tmp_path)
        drawn.append((tmp_path / "growth-images.svg").read_bytes())
    assert drawn[0] == drawn[1]
    assert PLOTS["describe"](measured).encode() in drawn[0]


@pytest.mark.skipif(not MEASURED.exists(), reason="growth is not yet measured: python -m benchmarks.growth")
def test_plots_in_the_docs_match_the_measurements():
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    assert "not yet measured" not in page
    for part in PLOTS["LABELS"]:
        assert f"(growth-{part}.svg)" in page
        assert PLOTS["describe"](MEASURED) in (ROOT / "docs" / f"growth-{part}.svg").read_text(encoding="utf-8")
