"""Measured run times, and estimates for larger experiments."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.stored_cells import run_of

from bench_core.cli import main
from bench_core.store.store import CellStatus, Store, read_runs
from bench_reports.costs import CostEstimate, Workload, measured_costs

PLAN = ["--steps", "100", "--images", "10", "--mask-sets", "2", "--seeds", "3"]


def cell(store: Store, variant: str, images: Sequence[float], seed: int = 0, device: str = "cpu", **training: float):
    """Write a cell with the seconds per image of each mask set; `training` is its training record."""
    evaluation_ids = {f"holes {number}": f"evaluation-{number}" for number in range(len(images))}
    entry = CellStatus("method", variant, seed, "done", f"{variant}-{seed}", evaluation_ids=evaluation_ids)
    for evaluation_id, seconds in zip(evaluation_ids.values(), images, strict=True):
        store.folder(entry).write_provenance(evaluation_id, {"seconds_per_image": seconds, "device": device})
    if training:
        store.folder(entry).write_provenance("training", training)
    return entry


def estimate(store: Store, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["cost", str(store.root), *options])
    assert result.exit_code == code, result.output
    return result.output


def test_hours_add_up_trainings_and_evaluations() -> None:
    plan = Workload(steps=7200, images=1800, mask_sets=2, seeds=3)
    assert CostEstimate("a", "cpu", 32, 2, step=0.5, image=1.0).hours(plan) == 3 * (1 + 1)
    assert CostEstimate("b", "cpu", 32, 2, step=None, image=1.0).hours(plan) == 1, (
        "training-free methods are evaluated with one seed"
    )


def test_costs_are_means_over_finished_cells(store: Store) -> None:
    older, failed = cell(store, "a", [9, 9], seed=0, seconds_per_step=0.0), cell(store, "a", [99], seed=1)
    for evaluation_id in older.evaluation_ids.values():
        store.folder(older).write_provenance(evaluation_id, {})
    failed.state = "failed"
    run = run_of(
        older,
        failed,
        cell(store, "a", [1, 2], seed=2, device="cuda", seconds_per_step=0.125, parameters=7),
        cell(store, "a", [3, 6], seed=3, device="cuda", seconds_per_step=0.375, parameters=7),
        cell(store, "b", [5, 7]),
        CellStatus("method", "c", 0, "n/a", reason="too small"),
    )
    assert list(measured_costs(store, run)) == [
        CostEstimate("a", "cuda", 32, 2, step=0.25, image=3.0, parameters=7),
        CostEstimate("b", "cpu", 32, 2, step=None, image=6.0),
    ]


def test_real_run_records_its_costs(bench: Callable[..., Result], tmp_path: Path) -> None:
    bench("--plugins", "pconv", "--seeds", "0,1", "--metrics", "l1")
    store, (run,) = read_runs(tmp_path / "out")
    found = {each.variant: each for each in measured_costs(store, run)}
    assert set(found) == {entry.variant for entry in run.entries}
    assert found["pconv"].step and 1e-3 < found["pconv"].step < 60
    assert found["telea"].step is None
    assert all(1e-5 < each.image < 60 and (each.size, each.batch) == (32, 2) for each in found.values())


def test_further_methods_cost_the_average_of_the_trained_ones(store: Store) -> None:
    plain = cell(store, "plain", [180])
    store.write_run(run_of(plain, created="2024"))
    assert "Total: 1.0 hours" in estimate(store, *PLAN, "--methods", "5"), "no method was trained"
    learned = cell(store, "a", [180], seconds_per_step=36), cell(store, "b", [180], seconds_per_step=72)
    store.write_run(run_of(plain, *learned, created="2025"))
    found = json.loads(estimate(store, *PLAN, "--json"))
    assert {each["variant"]: each["hours"] for each in found["methods"]} == {"plain": 1, "a": 6, "b": 9}
    assert found["hours"] == 16
    printed = estimate(store, *PLAN, "--methods", "5")
    assert "Total: 38.5 hours on such a device, 1.6 days." in printed, "three more, of 7.5 each"
    rows = [line.replace("│", " ").split() for line in printed.splitlines() if "cpu" in line]
    assert rows == [
        ["plain", "cpu", "32", "2", "180", "1.0"],
        ["a", "cpu", "32", "2", "36", "180", "6.0"],
        ["b", "cpu", "32", "2", "72", "180", "9.0"],
    ]


@pytest.mark.parametrize(("text", "message"), [("{}", "older version"), ("{", "damaged")])
def test_cells_without_timings_are_reported(store: Store, text: str, message: str) -> None:
    entry = cell(store, "a", [1])
    store.write_run(run_of(entry))
    (store.folder(entry).path / "provenance" / "evaluation-0.json").write_text(text)
    assert message in estimate(store, *PLAN, code=2)
