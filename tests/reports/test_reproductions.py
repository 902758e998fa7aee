"""Committed results of real runs follow exactly from their stored rows."""

import runpy
from pathlib import Path

import pytest
from click.testing import CliRunner
from support.paths import ROOT

from bench_core.cli import main
from bench_core.store.store import read_runs

REPORTS = ROOT / "reports"
STORES = sorted(path.parent for path in REPORTS.glob("*/cells"))


@pytest.mark.parametrize("store", STORES, ids=lambda path: path.name)
def test_stored_rows_give_the_committed_table(store: Path, tmp_path: Path):
    (table,) = store.glob("runs/*/table.md")
    again = tmp_path / "table.md"
    result = CliRunner().invoke(main, ["report", str(store), "--format", "markdown", "-o", str(again)])
    assert result.exit_code == 0, result.output
    assert again.read_text() == table.read_text()


@pytest.mark.parametrize("store", STORES, ids=lambda path: path.name)
def test_every_seed_was_evaluated_on_all_images(store: Path):
    opened, (run,) = read_runs(store)
    assert {entry.state for entry in run.entries} == {"done"}
    rows = opened.rows(run)
    counts = rows.groupby(["variant", "seed", "mask_set", "metric"], observed=True).size()
    assert (counts == run.num_pairs).all()
    trained = {entry.variant for entry in run.entries if (store / "cells" / entry.folder / "curves.jsonl").exists()}
    for variant in trained:
        assert {entry.seed for entry in run.entries if entry.variant == variant} == set(run.protocol.seeds)


def test_claim_about_gradient_attention_follows_from_the_rows():
    folder = REPORTS / "gradient-attention-mnist"
    assert runpy.run_path(str(folder / "claim.py"))["claim"](folder) == (folder / "claim.md").read_text()


def test_figure_of_gradient_attention_follows_from_the_curves(tmp_path: Path):
    folder = REPORTS / "gradient-attention-mnist"
    drawn = tmp_path / "figure.svg"
    command = ["tables", "show", "gradient-attention-2", str(folder), "-o", str(drawn)]
    assert CliRunner().invoke(main, command).exit_code == 0
    assert drawn.with_suffix(".csv").read_text() == (folder / "figure-2.csv").read_text()
