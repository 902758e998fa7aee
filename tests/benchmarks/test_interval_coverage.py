"""Simulated coverage of intervals: the page's tables keep their promise, and a small simulation agrees with them."""

import re

import pytest
from support.paths import ROOT

PAGE = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")


@pytest.fixture
def coverage(monkeypatch: pytest.MonkeyPatch):
    """Import the benchmark, which is not installed."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import interval_coverage

    return interval_coverage


def measured(coverage) -> dict[str, list[list[float]]]:
    """Return the numbers of every row of the measured tables, in percent, by the name of the row."""
    slot = coverage.SLOT.search(PAGE)
    rows = [line.strip("| ").split(" | ") for line in slot[0].splitlines() if "%" in line and line.startswith("|")]
    return {
        name: [[float(each) for each in re.findall(r"[\d.]+(?=%)", cell)] for cell in cells] for name, *cells in rows
    }


def test_page_promises_93_percent_coverage_and_6_percent_false_positives(coverage):
    rows = measured(coverage)
    assert {str(count) for count in coverage.IMAGES} <= rows.keys()
    for name, cells in rows.items():
        assert len(cells) == len(coverage.DISTRIBUTIONS)
        for *covered, different in cells:
            assert all(each >= 93 for each in covered), name
            assert different <= 6, name


@pytest.mark.parametrize("images", [3, 12])
def test_small_simulation_agrees_with_the_page(coverage, images):
    for cell, draw in zip(measured(coverage)[str(images)], coverage.DISTRIBUTIONS.values(), strict=True):
        covered, different = coverage.simulate(draw, 500, images)
        assert (100 * covered, 100 * different) == pytest.approx(cell, abs=3)


@pytest.mark.parametrize("trainings", [(3, 1, 1), (3, 3, 3), (2, 2, 1)])
def test_few_seeds_keep_coverage_and_false_positives(coverage, trainings):
    covered, different = coverage.simulate(coverage.DISTRIBUTIONS["exponential"], 500, 15, trainings)
    assert covered >= 0.93
    assert different <= 0.06
