"""What a comparison took is told, and carried over to a larger one."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from support.stored_cells import run_of

from bench_core.cli import main
from bench_core.store.store import CellStatus, Store, read_runs
from bench_reports.costs import CostEstimate, Workload, costs

PLAN = ["--steps", "100", "--images", "10", "--mask-sets", "2", "--seeds", "3"]


def cell(store: Store, variant: str, images: Sequence[float], seed: int = 0, device: str = "cpu", **took: float):
    """Under each mask set an image took these seconds; `took` is what its training tells."""
    evaluation_ids = {f"holes {number}": f"judged-{number}" for number in range(len(images))}
    entry = CellStatus("method", variant, seed, "done", f"{variant}-{seed}", evaluation_ids=evaluation_ids)
    for evaluation_id, seconds in zip(evaluation_ids.values(), images, strict=True):
        store.folder(entry).write_provenance(evaluation_id, {"seconds_per_image": seconds, "device": device})
    if took:
        store.folder(entry).write_provenance("training", took)
    return entry


def ask(store: Store, *options: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, ["cost", str(store.root), *options])
    assert result.exit_code == code, result.output
    return result.output


def test_hours_are_those_of_all_trainings_and_judgings() -> None:
    plan = Workload(steps=7200, images=1800, mask_sets=2, seeds=3)
    assert CostEstimate("a", "cpu", 32, 2, step=0.5, image=1.0).hours(plan) == 3 * (1 + 1)
    assert CostEstimate("b", "cpu", 32, 2, step=None, image=1.0).hours(plan) == 1, "what learns nothing is judged once"


def test_a_variants_costs_are_means_over_what_its_finished_cells_tell(store: Store) -> None:
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
    assert list(costs(store, run)) == [
        CostEstimate("a", "cuda", 32, 2, step=0.25, image=3.0, parameters=7),
        CostEstimate("b", "cpu", 32, 2, step=None, image=6.0),
    ]


def test_a_run_tells_what_it_took(bench: Callable[..., Result], tmp_path: Path) -> None:
    bench("--plugins", "pconv", "--seeds", "0,1", "--metrics", "l1")
    store, (run,) = read_runs(tmp_path / "out")
    found = {each.variant: each for each in costs(store, run)}
    assert set(found) == {entry.variant for entry in run.entries}
    assert found["pconv"].step and 1e-3 < found["pconv"].step < 60
    assert found["telea"].step is None
    assert all(1e-5 < each.image < 60 and (each.size, each.batch) == (32, 2) for each in found.values())


def test_more_methods_are_as_dear_as_those_that_learned_in_the_last_run(store: Store) -> None:
    plain = cell(store, "plain", [180])
    store.write_run(run_of(plain, created="2024"))
    assert "In all 1.0 hours" in ask(store, *PLAN, "--methods", "5"), "nothing has learned"
    learned = cell(store, "a", [180], seconds_per_step=36), cell(store, "b", [180], seconds_per_step=72)
    store.write_run(run_of(plain, *learned, created="2025"))
    told = json.loads(ask(store, *PLAN, "--json"))
    assert {each["variant"]: each["hours"] for each in told["methods"]} == {"plain": 1, "a": 6, "b": 9}
    assert told["hours"] == 16
    said = ask(store, *PLAN, "--methods", "5")
    assert "In all 38.5 hours of such a device, 1.6 days." in said, "three more, of 7.5 each"
    rows = [line.replace("│", " ").split() for line in said.splitlines() if "cpu" in line]
    assert rows == [
        ["plain", "cpu", "32", "2", "180", "1.0"],
        ["a", "cpu", "32", "2", "36", "180", "6.0"],
        ["b", "cpu", "32", "2", "72", "180", "9.0"],
    ]


@pytest.mark.parametrize(("text", "said"), [("{}", "older version"), ("{", "damaged")])
def test_cells_that_tell_nothing_are_told_of(store: Store, text: str, said: str) -> None:
    entry = cell(store, "a", [1])
    store.write_run(run_of(entry))
    (store.folder(entry).path / "provenance" / "judged-0.json").write_text(text)
    assert said in ask(store, *PLAN, code=2)
