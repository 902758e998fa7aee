"""Laws of comparing methods in a table: intervals, what can be told apart, and what must not be compared."""

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


def pairs_of(store: Store, **shifts: float) -> list[CellStatus]:
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
