"""What a comparison took is told, and carried over to a larger one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench_core.cli import main
from bench_core.costs import Cost, Plan, costs
from bench_core.store import read_runs


def test_hours_are_those_of_all_trainings_and_judgings() -> None:
    plan = Plan(steps=7200, images=1800, mask_sets=2, seeds=3)
    assert Cost("a", "cpu", 32, 2, step=0.5, image=1.0).hours(plan) == 3 * (1 + 1)
    assert Cost("b", "cpu", 32, 2, step=None, image=1.0).hours(plan) == 1, "what learns nothing is judged once"


def test_a_run_tells_what_it_took(bench: Callable[..., Result], tmp_path: Path) -> None:
    bench("--plugins", "pconv", "--seeds", "0,1")
    store, (run,) = read_runs(tmp_path / "out")
    found = {each.variant: each for each in costs(store, run)}
    assert set(found) == {entry.variant for entry in run.entries}
    assert found["pconv"].step and 1e-3 < found["pconv"].step < 60
    assert found["telea"].step is None
    assert all(1e-5 < each.image < 60 and (each.size, each.batch) == (32, 2) for each in found.values())

    options = ["--steps", "100", "--images", "10", "--methods", "1"]
    said = CliRunner().invoke(main, ["cost", str(tmp_path / "out"), *options])
    assert said.exit_code == 0
    total = sum(each.hours(Plan(100, 10)) for each in found.values())
    assert f"In all {total:,.1f} hours" in said.output


@pytest.mark.parametrize("text", ["{}", "{"])
def test_cells_that_tell_nothing_are_told_of(bench: Callable[..., Result], tmp_path: Path, text: str) -> None:
    bench("--plugins", "pconv", "--metrics", "l1")
    for path in (tmp_path / "out" / "cells").glob("*/provenance/*.json"):
        path.write_text(text)
    said = CliRunner().invoke(main, ["cost", str(tmp_path / "out"), "--steps", "1", "--images", "1"])
    assert said.exit_code == 2
    assert ("older version" if text == "{}" else "damaged") in said.output
