"""A number that is not in the store has a reason in every kind of table, and a mean of fewer seeds has a mark."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.stored_cells import KNOWN, L1, PSNR, done, noted, run_of

from bench_core.cli import main
from bench_core.store import rows
from bench_core.store.store import CellStatus, Store, read_runs
from bench_reports.tables import by_hole_ratio, table, with_intervals

SEEDS = {"seeds": [0, 1, 2], "test_masks": ["center", "strokes"]}


@pytest.fixture
def folder(store: Store) -> Path:
    """A store with three seeds of `a` and one cell of `plain`, on two mask sets."""
    entries = []
    for variant, seed in (("a", 0), ("a", 1), ("a", 2), ("plain", 0)):
        entry = done(store, variant, seed, l1=[0.1, 0.2, 0.3, 0.5], psnr=[20, 21, 22, 26])
        path = store.folder(entry).rows_path("evaluation")
        shutil.copy(path, path.with_stem("strokes"))
        entry.evaluation_ids["strokes"] = "strokes"
        entries.append(entry)
    store.write_run(run_of(*entries, **SEEDS))
    return store.root


def cell(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"cells/{name}-*")
    return found


def drop_metric(folder: Path) -> None:
    path = cell(folder, "a-2") / "rows" / "strokes.parquet"
    found = rows.read(path)
    rows.write(path, found[found["metric"] != PSNR])


def drop_image(folder: Path) -> None:
    path = cell(folder, "a-2") / "rows" / "strokes.parquet"
    found = rows.read(path)
    rows.write(path, found[(found["metric"] != PSNR) | (found["image"] != "image-2")])


def kill(folder: Path) -> None:
    store, (run,) = read_runs(folder)
    run.entries[2] = CellStatus("a", "a", 2)
    (folder / "runs").rename(folder / "old runs")
    store.write_run(run)


LOSSES: dict[str, tuple[Callable[[Path], object], str, tuple[str, ...]]] = {
    "all cells": (
        lambda folder: shutil.rmtree(folder / "cells"),
        "missing",
        ("a, seed 0, on center", "cells does"),
    ),
    "all seeds": (
        lambda folder: [shutil.rmtree(cell(folder, f"a-{seed}")) for seed in range(3)],
        "missing",
        ("a, seed 2, on center", "does not exist"),
    ),
    "a seed": (lambda folder: shutil.rmtree(cell(folder, "a-2")), "§", ("a, seed 2, on center", "does not exist")),
    "rows of a seed": (
        lambda folder: shutil.rmtree(cell(folder, "a-2") / "rows"),
        "§",
        ("a, seed 2, on strokes", "strokes.parquet does not exist"),
    ),
    "rows of a mask set": (
        lambda folder: (cell(folder, "a-2") / "rows" / "strokes.parquet").unlink(),
        "§",
        ("a, seed 2, on strokes", "strokes.parquet does not exist"),
    ),
    "rows of all seeds on a mask set": (
        lambda folder: [path.unlink() for path in folder.glob("cells/a-*/rows/strokes.parquet")],
        "missing there",
        ("a, seed 2, on strokes", "strokes.parquet does not exist"),
    ),
    "rows of a metric": (drop_metric, "§", ("a, seed 2, has no or not all values of PSNR on strokes",)),
    "a row": (drop_image, "§", ("a, seed 2, has no or not all values of PSNR on strokes",)),
    "an unfinished seed": (kill, "§", ("a, seed 2, is pending",)),
}
"""What goes missing, what stands in the cell of `a` in the last column, and parts of a note."""
TABLES = {"report": table.build, "by hole ratio": by_hole_ratio.build, "with intervals": with_intervals.build}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("loss", LOSSES)
def test_every_gap_has_its_reason(folder: Path, loss: str, kind: str) -> None:
    lose, shown, note = LOSSES[loss]
    lose(folder)
    store, runs = read_runs(folder)
    (made,) = TABLES[kind](store, runs, KNOWN)
    assert noted(made, *note) >= 1, made.notes
    if shown == "§":
        assert noted(made, "§ a is a mean of 2 of 3 seeds", "seed 2 is missing") == 1, made.notes
        marked = made.texts.map(lambda cell: "§" in str(cell))
        assert marked.to_numpy().any()
        assert not marked[made.texts.index.get_level_values("method") == "plain"].to_numpy().any()
    elif kind == "report":
        missing = {"center", "strokes"} if shown == "missing" else {"strokes"}
        groups = made.texts.columns.get_level_values(0)[(made.texts.loc["a"] == "missing").to_numpy()]
        assert set(groups) == missing


def test_nothing_is_marked_if_nothing_is_missing(folder: Path) -> None:
    store, runs = read_runs(folder)
    for build in TABLES.values():
        (made,) = build(store, runs, KNOWN)
        assert not made.texts.map(lambda cell: "§" in str(cell)).to_numpy().any()
        assert noted(made, "missing") == noted(made, "no or not all") == 0


@pytest.mark.parametrize("loss", [name for name, (_, shown, _) in LOSSES.items() if shown == "§"])
def test_comparison_has_the_mark_and_the_reason(folder: Path, loss: str) -> None:
    lose, _, note = LOSSES[loss]
    lose(folder)
    result = CliRunner().invoke(main, ["compare", "a", "plain", str(folder)])
    assert result.exit_code == 0, result.output
    printed = " ".join(result.output.split())
    assert all(part in printed for part in (*note, "§ a is a mean of 2 of 3 seeds"))
    assert "§" in printed.partition("§ a is")[0], "the number has the mark"


def test_comparison_without_rows_says_why(folder: Path) -> None:
    shutil.rmtree(folder / "cells")
    result = CliRunner().invoke(main, ["compare", "a", "plain", str(folder)])
    assert result.exit_code == 2
    assert "a has no numbers to compare. Rows are missing of a, seed 0, on center" in " ".join(result.output.split())


def test_runs_are_compared_with_the_gaps_of_both_sides(folder: Path, store: Store) -> None:
    first = next((folder / "runs").glob("*"))
    _, (run,) = read_runs(folder)
    run.entries = run.entries[:3]
    second = store.write_run(run)
    lost = CellStatus("a", "a", 2, "done", "gone", evaluation_ids={"center": "x", "strokes": "x"})
    run.entries = [*run.entries[:2], lost]
    store.write_run(run)
    result = CliRunner().invoke(main, ["compare", str(first), str(second), "--json"])
    assert result.exit_code == 0, result.output
    assert f"a: § {second} is a mean of 2 of 3 seeds" in result.output
    assert f"a: Rows are missing of {second}, seed 2" in result.output


def test_column_that_one_side_lacks_is_named(folder: Path) -> None:
    for seed in range(3):
        path = cell(folder, f"a-{seed}") / "rows" / "strokes.parquet"
        found = rows.read(path)
        rows.write(path, found[found["metric"] == L1])
    result = CliRunner().invoke(main, ["compare", "a", "plain", str(folder)])
    assert f"{PSNR} on strokes is not compared: a does not have it." in " ".join(result.output.split())


def test_figure_prints_the_reasons(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(cell(folder, "a-2"))
    result = CliRunner().invoke(main, ["figure", "ranks", str(folder), "-o", str(tmp_path / "ranks.svg")])
    assert result.exit_code == 0, result.output
    assert "Rows are missing of a, seed 2, on center" in result.output


def test_mask_sets_that_a_method_does_not_fill_are_no_gap(folder: Path) -> None:
    store, (run,) = read_runs(folder)
    for entry in run.entries[:3]:
        entry.refused = {"strokes": "fills holes in the middle only"}
        del entry.evaluation_ids["strokes"]
    for build in TABLES.values():
        (made,) = build(store, [run], KNOWN)
        assert noted(made, "a is n/a on strokes") == 1
        assert noted(made, "§") == noted(made, "no or not all") == noted(made, "Rows are missing") == 0


def test_pairs_that_all_seeds_lack_have_one_note(folder: Path) -> None:
    for seed in range(3):
        path = cell(folder, f"a-{seed}") / "rows" / "strokes.parquet"
        found = rows.read(path)
        rows.write(path, found[found["image"] != "image-2"])
    (made,) = table.build(*read_runs(folder), KNOWN)
    assert noted(made, "PSNR on strokes", "it was measured on 3 pairs only") == 1
    assert noted(made, "no or not all") == 0


def test_numbers_without_notes_print_them(folder: Path, tmp_path: Path) -> None:
    shutil.rmtree(cell(folder, "a-2"))
    for format_ in ("csv", "parquet"):
        command = ["report", str(folder), "--format", format_, "-o", str(tmp_path / "numbers")]
        result = CliRunner().invoke(main, command)
        assert "test images" in result.stderr
        assert "§ a is a mean of 2 of 3 seeds" in result.stderr
        assert not result.stdout


def test_metrics_that_could_not_be_measured_are_not_lost(store: Store) -> None:
    entry = CellStatus("a", "a", 0, "done", "nothing to measure", evaluation_ids={"center": "x"})
    run = run_of(entry, metrics=["psnr"], missing={PSNR: "no logarithms"})
    (made,) = table.build(store, [run], KNOWN)
    assert noted(made, "PSNR is missing: no logarithms") == 1
    assert noted(made, "Rows are missing") == 0
