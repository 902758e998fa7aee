"""Comparison of methods in a table: intervals, significance marks, and rows that must not be compared."""

import math
import statistics
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from support.stored_cells import KNOWN, L1, done, noted, run_of, table_of, text

from bench_core.errors import BadInput
from bench_core.store.store import CellFolder, CellStatus, Store
from bench_reports.tables.table import build


def test_cell_shows_half_of_the_interval(store: Store) -> None:
    """Few images use Student's t: 3.182 standard errors for four values, widened."""
    values = [0.1, 0.2, 0.4, 0.7]
    table = table_of(store, run_of(done(store, "a", l1=values)))
    half = 2.3 * stats.t.ppf(0.975, 3) * statistics.stdev(values) / 2
    found, _, printed = text(table, "a").partition(" ± ")
    assert found == "0.3500"
    assert float(printed) == pytest.approx(half, abs=5e-5)
    assert noted(table, "± is half of the 95 % interval", "4 images", "Student's t", "not of the training seed") == 1
    low, high = (table.details["center", L1, end]["a"] for end in ("low", "high"))
    assert (low + high) / 2 == pytest.approx(0.35, abs=1e-3)


def test_seed_variance_widens_the_interval(store: Store) -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(0.5, 0.01, 40)
    seeds = [done(store, "a", seed, l1=values + 0.1 * seed) for seed in range(3)]
    table = table_of(store, run_of(*seeds, done(store, "b", l1=values), seeds=[0, 1, 2]))
    wide, narrow = (float(text(table, name).partition(" ± ")[2].rstrip("≈")) for name in "ab")
    assert wide == pytest.approx(2.3 * stats.t.ppf(0.975, 2) * 0.1 / math.sqrt(3), rel=0.05)
    assert narrow < 0.005
    assert noted(table, "studentised bootstrap", "and, for methods with several seeds, of the training seed") == 1
    assert noted(table, "not of the training seed") == 0


def test_crops_of_one_photograph_count_once(store: Store) -> None:
    entry = done(store, "a", l1=[0.1, 0.2, 0.3, 0.4])
    folder = CellFolder(store.root / "cells" / entry.folder, {})
    names = ["x.png#0", "x.png#1", "y.png#0", "y.png#1"]
    folder.add_rows("evaluation", folder.rows("evaluation").assign(image=pd.array(names, dtype="string")))
    assert noted(table_of(store, run_of(entry, crops=2)), "the choice of the 2 images") == 1
    assert noted(table_of(store, run_of(entry)), "the choice of the 4 images") == 1


@pytest.mark.parametrize("crops", [1, 2])
def test_copies_of_one_photograph_count_once(store: Store, crops: int) -> None:
    """Eight copies of one image have the interval that eight crops of it have, not that of eight photographs."""
    values = [0.1, *[0.2] * 8, 0.4]
    names = ["a.png", *(f"copy{number}.png" for number in range(8)), "b#1.png"]
    copies = dict.fromkeys(names[2:-1], "copy0.png")
    entry = done(store, "a", l1=np.repeat(values, crops))
    folder = CellFolder(store.root / "cells" / entry.folder, {})
    stored = [f"{name}#{crop}" if crops > 1 else name for name in names for crop in range(crops)]
    folder.add_rows("evaluation", folder.rows("evaluation").assign(image=pd.array(stored, dtype="string")))
    run = run_of(entry, crops=crops)
    alone, together = table_of(store, run), table_of(store, replace(run, copies=copies))
    assert noted(alone, "the choice of the 10 images") == noted(together, "the choice of the 3 independent images") == 1
    widths = [float(text(table, "a").partition(" ± ")[2]) for table in (alone, together)]
    assert widths[1] > 1.5 * widths[0]


def test_notes_on_images_are_below_every_table(store: Store) -> None:
    """Also those of an earlier run of the same experiment, which trained on other images."""
    first, second = (
        replace(run_of(done(store, name, l1=[0.1, 0.2, 0.3]), created=f"2025-01-0{day}"), image_notes=said)
        for day, (name, said) in enumerate([("a", ["Two are copies.", "One leaks."]), ("b", ["Two are copies."])], 1)
    )
    assert table_of(store, first, second).notes[-2:] == ["Two are copies.", "One leaks."]


def pairs_of(store: Store, **shifts: float) -> list[CellStatus]:
    """Write methods whose error is that of the image plus a shift and some noise."""
    rng = np.random.default_rng(1)
    difficulty = rng.gamma(2, 0.1, 60)
    return [done(store, name, l1=difficulty + shift + rng.normal(0, 0.002, 60)) for name, shift in shifts.items()]


def test_values_like_the_best_are_marked(store: Store) -> None:
    table = table_of(store, run_of(*pairs_of(store, a=0.0, b=0.0, c=0.01)))
    marked = {name: text(table, name).endswith("≈") for name in "abc"}
    best = table.best["center", L1].to_dict()
    assert not best["c"] and not marked["c"]
    assert sorted([(best["a"], marked["a"]), (best["b"], marked["b"])]) == [(False, True), (True, False)]
    assert noted(table, "≈: not distinguishable", "Holm") == 1
    groups = {name: table.details.loc[name, ("center", L1, "group")] for name in "abc"}
    assert groups == {"a": "a", "b": "a", "c": "b"}
    assert table.details.loc["c", ("center", L1, "best rank")] == 3


@pytest.mark.parametrize(("images", "methods", "needed"), [(9, 2, 10), (10, 2, 0), (10, 7, 0), (10, 8, 11)])
def test_too_few_images_are_told_and_all_values_are_like_the_best(
    store: Store, images: int, methods: int, needed: int
) -> None:
    rng = np.random.default_rng(2)
    entries = [done(store, f"m{i}", l1=i + rng.normal(0, 0.01, images)) for i in range(methods)]
    table = table_of(store, run_of(*entries))
    marked = {text(table, f"m{i}").endswith("≈") for i in range(1, methods)}
    assert marked == {bool(needed)}
    assert noted(table, f"{images} images are too few to call any method better: use {needed} or more") == bool(needed)
    groups = {str(table.details.loc[f"m{i}", ("center", L1, "group")]) for i in range(methods)}
    assert len(groups) == (1 if needed else methods)


def test_unused_mark_has_no_note(store: Store) -> None:
    table = table_of(store, run_of(*pairs_of(store, a=0.0, c=0.01)))
    assert noted(table, "≈") == 0


def test_table_is_deterministic(store: Store) -> None:
    run = run_of(*pairs_of(store, a=0.0, b=0.0))
    one, other = table_of(store, run), table_of(store, run)
    pd.testing.assert_frame_equal(one.details, other.details)


def test_method_with_fewer_pairs_is_not_compared(store: Store) -> None:
    table = table_of(store, run_of(done(store, "a", l1=[0.3, 0.4, 0.5]), done(store, "b", l1=[0.1, 0.2])))
    assert text(table, "b") == "n/a"
    assert noted(table, "b is n/a for L1 on center", "2 pairs only") == 1
    assert text(table, "a").startswith("0.4000")


def test_different_version_of_a_metric_is_rejected(store: Store) -> None:
    entry = done(store, "a", l1=[0.1, 0.2])
    raised = {**KNOWN, L1: replace(KNOWN[L1], version=KNOWN[L1].version + 1)}
    with pytest.raises(BadInput, match="a was measured with version 1 of l1@full, but version 2 is installed: repeat"):
        build(store, [run_of(entry)], raised)


def test_bare_name_with_a_new_definition_is_rejected(store: Store) -> None:
    entry = done(store, "a", ssim=[0.1, 0.2])
    new = {"ssim@new": replace(KNOWN["ssim@skimage"], definition="ssim@new"), **KNOWN}
    with pytest.raises(BadInput, match="ssim means ssim@new now, but was measured as ssim@skimage"):
        build(store, [run_of(entry, metrics=["ssim"])], new)
    assert build(store, [run_of(entry, metrics=["ssim@skimage"])], new)


def test_different_holes_in_one_column_are_rejected(store: Store) -> None:
    one, other = done(store, "a", l1=[0.1, 0.2]), done(store, "b", l1=[0.1, 0.2])
    folder = CellFolder(store.root / "cells" / other.folder, {})
    folder.add_rows("evaluation", folder.rows("evaluation").assign(mask_set_hash="other"))
    with pytest.raises(BadInput, match=r"On center a and b filled different holes.*abc and other"):
        table_of(store, run_of(one, other))
