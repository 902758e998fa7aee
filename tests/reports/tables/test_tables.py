"""Values of tables, against means computed here by hand."""

import statistics
import subprocess
import sys
from collections.abc import Callable

import pytest
from support.stored_cells import KNOWN, L1, PSNR, done, protocol, run_of, table_of, text

from bench_core.protocol import Protocol
from bench_core.store.store import Run, Store, read_runs
from bench_reports.tables.table import build


def test_value_is_the_mean_over_images(store: Store) -> None:
    values = [0.1, 0.25, 0.7]
    table = table_of(store, run_of(done(store, "a", l1=values, psnr=[20, 21, 25])))
    assert table.values.loc["a", ("center", L1)] == pytest.approx(sum(values) / 3)
    assert text(table, "a").startswith("0.3500 ± ")
    assert text(table, "a", PSNR).startswith("22.00 ± ")


def test_seeds_have_equal_weight(store: Store) -> None:
    seeds = [[0.1, 0.3], [0.4, 0.6], [0.1, 0.1]]
    table = table_of(store, run_of(*(done(store, "a", seed, l1=values) for seed, values in enumerate(seeds))))
    means = [statistics.mean(values) for values in seeds]
    assert table.values.loc["a", ("center", L1)] == pytest.approx(statistics.mean(means))


def test_columns_follow_the_protocol(store: Store) -> None:
    entry = done(store, "a", l1=[0.5], psnr=[20], ssim=[0.9])
    entry.evaluation_ids["strokes"] = "evaluation"
    table = table_of(store, run_of(entry, metrics=["psnr", "l1"], test_masks=["strokes", "center"]))
    assert table.columns == [(mask_set, metric) for mask_set in ("strokes", "center") for metric in (PSNR, L1)]
    assert table.groups == [("strokes", 2), ("center", 2)]
    assert (table.header(PSNR), table.header(L1)) == ("PSNR ↑", "L1 ↓")


def test_best_follows_the_direction_of_the_metric(store: Store) -> None:
    entries = done(store, "a", l1=[0.1], psnr=[20]), done(store, "b", l1=[0.2], psnr=[30]), done(store, "c", l1=[0.1])
    best = table_of(store, run_of(*entries)).best
    assert best["center", L1].to_dict() == {"a": True, "b": False, "c": True}
    assert best["center", PSNR].to_dict() == {"a": False, "b": True, "c": False}


def test_single_method_is_not_best(store: Store) -> None:
    assert not table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]))).best.to_numpy().any()


def test_last_run_of_a_cell_counts(store: Store) -> None:
    old = run_of(done(store, "a", l1=[0.1]), done(store, "b", l1=[0.2]), created="2025-01-01")
    new = run_of(done(store, "a", l1=[0.3]), done(store, "c", l1=[0.4]), created="2025-01-02")
    for run in (new, old):
        store.write_run(run)
    assert {variant: text(table_of(*_read(store)), variant) for variant in "abc"} == {
        "a": "0.3000",
        "b": "0.2000",
        "c": "0.4000",
    }


def _read(store: Store) -> tuple:
    again, runs = read_runs(store.root)
    return again, *runs


@pytest.mark.parametrize("change", [lambda run: run.protocol.override({"steps": 10}), None])
def test_other_rules_or_images_give_another_table(store: Store, change: Callable[[Run], Protocol] | None) -> None:
    one, other = run_of(done(store, "a", l1=[0.1])), run_of(done(store, "a", l1=[0.1, 0.2]))
    if change:
        other.protocol = change(other)
    else:
        other.images = "digest of other images"
    tables = build(store, [one, other], KNOWN)
    assert [table.values.loc["a", ("center", L1)] for table in tables] == pytest.approx([0.1, 0.15])


def test_title_summarises_the_protocol(store: Store) -> None:
    rules = protocol(seeds=[4, 5], steps=12_000)
    title = table_of(store, run_of(done(store, "a", l1=[0.1]), seeds=[4, 5], steps=12_000)).title
    parts = ("mine", "photos", "32 pixels", "12,000 steps", "batch 2", "seeds 4, 5", rules.hash[:8])
    assert all(part in title for part in parts)
    assert "mine: files as they are" in table_of(store, run_of(done(store, "a", l1=[0.1]), size=0)).title


def test_report_does_not_import_torch(store: Store) -> None:
    store.write_run(run_of(done(store, "a", l1=[0.1], psnr=[20])))
    script = (
        "import sys; from bench_core.cli import main\n"
        "main(['report', sys.argv[1], '--format', 'markdown'], standalone_mode=False)\n"
        "assert not {'torch', 'torchvision', 'cv2', 'lightning_fabric'} & set(sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", script, str(store.root)], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    assert "| a | 0.1000 | 20.00 |" in printed.stdout
