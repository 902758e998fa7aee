"""Laws of tables: what stands in them follows from the stored rows, computed here by hand."""

import math
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench_core.errors import BadInput
from bench_core.metrics import bench_metrics
from bench_core.protocol import Protocol
from bench_core.store import CellFolder, Entry, Run, Store, as_rows, read_runs
from bench_reports.table import Table, build

KNOWN = {metric.definition: metric for metric in bench_metrics()}
MASKS = {"center": {"family": "center_box"}, "strokes": {"family": "free_form"}}
L1, PSNR, FID = "l1@full", "psnr@full", "fid@pytorch-fid"
INF = math.inf


def protocol(**fields: Any) -> Protocol:
    given = {"size": 32, "steps": 9, "batch": 2, "metrics": ["l1", "psnr"], "masks": MASKS, "test_masks": ["center"]}
    return Protocol.model_validate({"name": "mine", "image_set": "photos", **given, **fields})


def done(
    store: Store, variant: str, seed: int = 0, mask_set: str = "center", **values: Sequence[float] | np.ndarray
) -> Entry:
    """A cell with rows: for each metric the values of the images, for FID the one of the set."""
    cell = store.cell({"variant": variant, "seed": seed, "key": str(values) + mask_set})
    about = {"method": variant, "variant": variant, "seed": seed, "mask_set": "stored under another name"}
    about |= {"mask_set_hash": "abc", "hole_ratio": 0.25, "region": "full", "source": "composite"}
    definitions = {metric.name: metric for metric in reversed(list(KNOWN.values()))}
    for name, found in values.items():
        metric = definitions[name]
        about |= {"version": metric.version}
        images = ["*"] if metric.per == "set" else [f"image-{index}" for index in range(len(found))]
        records = [
            {**about, "metric": metric.definition, "image": image, "value": value}
            for image, value in zip(images, found, strict=True)
        ]
        cell.add_rows("judgement", as_rows(records))
    return Entry(variant, variant, seed, "done", cell.path.name, judgements={mask_set: "judgement"})


def run_of(*entries: Entry, created: str = "2025-01-01", **fields: Any) -> Run:
    missing, num_pairs = fields.pop("missing", {}), fields.pop("num_pairs", 20)
    return Run(protocol(**fields), "digest of the images", num_pairs, list(entries), missing, created=created)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def table_of(store: Store, *runs: Run) -> Table:
    (table,) = build(store, runs, KNOWN)
    return table


def text(table: Table, variant: str, metric: str = L1, mask_set: str = "center") -> str:
    return str(table.texts.loc[variant, (mask_set, metric)])


def noted(table: Table, *parts: str) -> int:
    return sum(all(part in note for part in parts) for note in table.notes)


def test_a_value_is_the_mean_over_images(store: Store) -> None:
    values = [0.1, 0.25, 0.7]
    table = table_of(store, run_of(done(store, "a", l1=values, psnr=[20, 21, 25])))
    assert table.values.loc["a", ("center", L1)] == pytest.approx(sum(values) / 3)
    assert text(table, "a").startswith("0.3500 ± ")
    assert text(table, "a", PSNR).startswith("22.00 ± ")


def test_seeds_weigh_the_same(store: Store) -> None:
    seeds = [[0.1, 0.3], [0.4, 0.6], [0.1, 0.1]]
    table = table_of(store, run_of(*(done(store, "a", seed, l1=values) for seed, values in enumerate(seeds))))
    means = [statistics.mean(values) for values in seeds]
    assert table.values.loc["a", ("center", L1)] == pytest.approx(statistics.mean(means))


def test_half_of_the_interval_is_told(store: Store) -> None:
    """Of few images Student's: 3.182 standard errors of four values."""
    values = [0.1, 0.2, 0.4, 0.7]
    table = table_of(store, run_of(done(store, "a", l1=values)))
    half = stats.t.ppf(0.975, 3) * statistics.stdev(values) / 2
    found, _, printed = text(table, "a").partition(" ± ")
    assert found == "0.3500"
    assert float(printed) == pytest.approx(half, rel=0.02)
    assert noted(table, "± is half of one", "4 other images", "Student's t", "another training seed") == 1
    low, high = (table.details["center", L1, end]["a"] for end in ("low", "high"))
    assert (low + high) / 2 == pytest.approx(0.35, abs=1e-3)


def test_trainings_that_differ_widen_the_interval(store: Store) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.5, 0.01, 40)
    seeds = [done(store, "a", seed, l1=values + 0.1 * seed) for seed in range(3)]
    table = table_of(store, run_of(*seeds, done(store, "b", l1=values), seeds=[0, 1, 2]))
    wide, narrow = (float(text(table, name).partition(" ± ")[2].rstrip("≈")) for name in "ab")
    assert wide == pytest.approx(stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3), rel=0.05)
    assert narrow < 0.005
    assert noted(table, "studentised bootstrap", "other seeds") == 1
    assert noted(table, "another training seed") == 0


def test_crops_of_one_photograph_are_no_images_of_their_own(store: Store) -> None:
    entry = done(store, "a", l1=[0.1, 0.2, 0.3, 0.4])
    folder = CellFolder(store.root / "cells" / entry.folder, {})
    names = ["x.png#0", "x.png#1", "y.png#0", "y.png#1"]
    folder.add_rows("judgement", folder.rows("judgement").assign(image=pd.array(names, dtype="string")))
    assert noted(table_of(store, run_of(entry, crops=2)), "2 other images") == 1
    assert noted(table_of(store, run_of(entry)), "4 other images") == 1


def pairs_of(store: Store, **shifts: float) -> list[Entry]:
    """Methods whose error is that of the image and a shift, with some noise."""
    rng = np.random.default_rng(1)
    difficulty = rng.gamma(2, 0.1, 60)
    return [done(store, name, l1=difficulty + shift + rng.normal(0, 0.002, 60)) for name, shift in shifts.items()]


def test_what_cannot_be_told_from_the_best_is_marked(store: Store) -> None:
    table = table_of(store, run_of(*pairs_of(store, a=0.0, b=0.0, c=0.01)))
    marked = {name: text(table, name).endswith("≈") for name in "abc"}
    best = table.best["center", L1].to_dict()
    assert not best["c"] and not marked["c"]
    assert sorted([(best["a"], marked["a"]), (best["b"], marked["b"])]) == [(False, True), (True, False)]
    assert noted(table, "≈: not distinguishable", "Holm") == 1
    groups = {name: table.details.loc[name, ("center", L1, "group")] for name in "abc"}
    assert groups == {"a": "a", "b": "a", "c": "b"}
    assert table.details.loc["c", ("center", L1, "best rank")] == 3


def test_where_all_differ_no_mark_is_explained(store: Store) -> None:
    table = table_of(store, run_of(*pairs_of(store, a=0.0, c=0.01)))
    assert noted(table, "≈") == 0


def test_a_table_says_the_same_every_time(store: Store) -> None:
    run = run_of(*pairs_of(store, a=0.0, b=0.0))
    one, other = table_of(store, run), table_of(store, run)
    pd.testing.assert_frame_equal(one.details, other.details)


def test_a_method_that_was_measured_on_fewer_pairs_is_not_compared(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", l1=[0.3, 0.4, 0.5]), done(store, "b", l1=[0.1, 0.2])))
    assert text(table, "b") == "n/a"
    assert noted(table, "b is n/a for L1 on center", "2 pairs only") == 1
    assert text(table, "a").startswith("0.4000")


def test_another_version_of_a_definition_is_refused(store: Store) -> None:
    entry = done(store, "a", l1=[0.1, 0.2])
    raised = {**KNOWN, L1: replace(KNOWN[L1], version=KNOWN[L1].version + 1)}
    with pytest.raises(BadInput, match="a was measured as version 1 of l1@full, installed is version 2: repeat"):
        build(store, [run_of(entry)], raised)


def test_a_bare_name_that_means_another_definition_now_is_refused(store: Store) -> None:
    entry = done(store, "a", ssim=[0.1, 0.2])
    new = {"ssim@new": replace(KNOWN["ssim@skimage"], definition="ssim@new"), **KNOWN}
    with pytest.raises(BadInput, match="ssim means ssim@new now, and was measured as ssim@skimage"):
        build(store, [run_of(entry, metrics=["ssim"])], new)
    assert build(store, [run_of(entry, metrics=["ssim@skimage"])], new)


def test_different_holes_in_one_column_are_refused(store: Store) -> None:
    one, other = done(store, "a", l1=[0.1, 0.2]), done(store, "b", l1=[0.1, 0.2])
    folder = CellFolder(store.root / "cells" / other.folder, {})
    folder.add_rows("judgement", folder.rows("judgement").assign(mask_set_hash="other"))
    with pytest.raises(BadInput, match=r"On center a and b filled different holes.*abc and other"):
        table_of(store, run_of(one, other))


def test_columns_are_the_protocols_mask_sets_and_metrics_in_its_order(store: Store) -> None:
    entry = done(store, "a", l1=[0.5], psnr=[20], ssim=[0.9])
    entry.judgements["strokes"] = "judgement"
    table = table_of(store, run_of(entry, metrics=["psnr", "l1"], test_masks=["strokes", "center"]))
    assert table.columns == [(mask_set, metric) for mask_set in ("strokes", "center") for metric in (PSNR, L1)]
    assert table.groups == [("strokes", 2), ("center", 2)]
    assert (table.header(PSNR), table.header(L1)) == ("PSNR ↑", "L1 ↓")


def test_the_best_is_the_lowest_or_highest_as_the_metric_says(store: Store) -> None:
    entries = done(store, "a", l1=[0.1], psnr=[20]), done(store, "b", l1=[0.2], psnr=[30]), done(store, "c", l1=[0.1])
    best = table_of(store, run_of(*entries)).best
    assert best["center", L1].to_dict() == {"a": True, "b": False, "c": True}
    assert best["center", PSNR].to_dict() == {"a": False, "b": True, "c": False}


def test_nothing_is_best_where_there_is_nothing_to_compare_with(store: Store) -> None:
    assert not table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]))).best.to_numpy().any()


def test_cells_without_values_say_why(store: Store) -> None:
    failed = Entry("f", "f", 3, "failed", reason="RuntimeError: out of memory")
    unfit = [Entry("n", "n", seed, "n/a", reason="takes images of 3 channels, not 1") for seed in (0, 1)]
    pending = Entry("p", "p", 0)
    table = table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]), failed, *unfit, pending))
    assert [text(table, variant) for variant in "afnp"] == ["0.1000", "failed", "n/a", "pending"]
    assert noted(table, "Intervals") == 0, "one image says nothing of others"
    assert noted(table, "f, seed 3, failed", "out of memory") == 1
    assert noted(table, "n is n/a: it takes images of 3 channels") == 1, "told once, not for every seed"


def test_a_run_without_any_value_is_a_table_too(store: Store) -> None:
    table = table_of(store, run_of(Entry("p", "p", 0), Entry("f", "f", 0, "failed", reason="because")))
    assert [text(table, variant) for variant in "pf"] == ["pending", "failed"]
    assert not table.best.to_numpy().any()


def test_the_seeds_that_did_not_fail_count(store: Store) -> None:
    failed = Entry("a", "a", 1, "failed", reason="because")
    table = table_of(store, run_of(done(store, "a", l1=[0.1], psnr=[20]), failed))
    assert text(table, "a") == "0.1000"
    assert noted(table, "a, seed 1, failed: because") == 1


def test_a_metric_that_could_not_be_computed_is_a_dash_with_its_reason(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1]), missing={PSNR: "no logarithms here"})
    table = table_of(store, run)
    assert text(table, "a", PSNR) == "-"
    assert noted(table, "PSNR is missing: no logarithms here") == 1


def test_a_gap_that_was_filled_is_not_told(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1], psnr=[20]), missing={PSNR: "no logarithms here"})
    assert noted(table_of(store, run), "missing") == 0


def test_fid_of_few_images_is_marked_and_told(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", l1=[0.1, 0.2], fid=[55.5]), metrics=["l1", "fid"]))
    assert text(table, "a", FID) == "55.50†"
    assert "†" not in text(table, "a")
    alone = table_of(store, run_of(done(store, "a", fid=[55.5]), metrics=["fid"]))
    assert text(alone, "a", FID) == "55.50†"
    assert noted(table, "†", "FID of 20 images", "2,048", "or measure kid@pytorch-fid") == 1
    assert noted(table, "FID: one number of a whole set has no interval") == 1


def test_fid_of_enough_images_is_not_marked(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", fid=[55.5]), metrics=["fid"], num_pairs=2048))
    assert text(table, "a", FID) == "55.50"
    assert noted(table, "†") == 0


def test_perfect_matches_are_left_out_and_counted(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[20, INF, 30, INF]), done(store, "b", psnr=[20, 30, 22, 40])))
    assert text(table, "a", PSNR).startswith("25.00 ± ")
    assert text(table, "b", PSNR).startswith("21.00 ± "), "of the same two images"
    assert noted(table, "PSNR on center: 2 pairs", "left out for all methods") == 1
    assert noted(table, "L1 on center") == 0


def test_nothing_but_perfect_matches_is_infinite(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[INF, INF]), done(store, "b", psnr=[20, 20])))
    assert text(table, "a", PSNR) == "inf"
    assert table.best.loc["a", ("center", PSNR)]
    assert text(table, "b", PSNR).startswith("20.00")
    assert noted(table, "PSNR on center: a matches every pair perfectly") == 1


def test_where_each_pair_is_perfect_for_one_or_the_other_nothing_is_left(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", psnr=[INF, 20]), done(store, "b", psnr=[20, INF])))
    assert [text(table, name, PSNR) for name in "ab"] == ["-", "-"]
    assert noted(table, "PSNR on center: 2 pairs", "left out") == 1


def test_losses_through_a_random_network_are_told(store: Store) -> None:
    entries = done(store, "a", l1=[0.1]), done(store, "b", l1=[0.2])
    entries[0].looks_through = ["vgg16"]
    assert noted(table_of(store, run_of(*entries, backbone="random")), "random", "networks): a.") == 1
    assert noted(table_of(store, run_of(*entries)), "random") == 0


def test_images_left_out_are_counted(store: Store) -> None:
    run = run_of(done(store, "a", l1=[0.1]))
    run.skipped += ["one is broken", "another is broken"]
    assert noted(table_of(store, run), "2 images", "left out") == 1


def test_of_a_cell_in_several_runs_the_last_counts(store: Store) -> None:
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
def test_other_rules_or_other_images_are_another_table(store: Store, change: Callable[[Run], Protocol] | None) -> None:
    one, other = run_of(done(store, "a", l1=[0.1])), run_of(done(store, "a", l1=[0.1, 0.2]))
    if change:
        other.protocol = change(other)
    else:
        other.images = "digest of other images"
    tables = build(store, [one, other], KNOWN)
    assert [table.values.loc["a", ("center", L1)] for table in tables] == pytest.approx([0.1, 0.15])


def test_the_title_says_what_the_rules_were(store: Store) -> None:
    rules = protocol(seeds=[4, 5], steps=12_000)
    title = table_of(store, run_of(done(store, "a", l1=[0.1]), seeds=[4, 5], steps=12_000)).title
    parts = ("mine", "photos", "32 pixels", "12,000 steps", "batch 2", "seeds 4, 5", rules.hash[:8])
    assert all(part in title for part in parts)
    assert "mine: files as they are" in table_of(store, run_of(done(store, "a", l1=[0.1]), size=0)).title


def test_a_table_is_rebuilt_without_torch(store: Store) -> None:
    store.write_run(run_of(done(store, "a", l1=[0.1], psnr=[20])))
    script = (
        "import sys; from bench_core.cli import main\n"
        "main(['report', sys.argv[1], '--format', 'markdown'], standalone_mode=False)\n"
        "assert not {'torch', 'torchvision', 'cv2', 'lightning_fabric'} & set(sys.modules)"
    )
    printed = subprocess.run([sys.executable, "-c", script, str(store.root)], capture_output=True, text=True)
    assert printed.returncode == 0, printed.stderr
    assert "| a | 0.1000 | 20.00 |" in printed.stdout
