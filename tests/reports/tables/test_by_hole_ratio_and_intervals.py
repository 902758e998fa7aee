"""`bench report --by hole_ratio` and `--statistics`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from support import stored_cells
from support.stored_cells import FID, KNOWN, L1, done

from bench_core.cli import main
from bench_core.metrics.code import features_name
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.tables import by_hole_ratio, table, with_intervals
from bench_reports.tables.table import Table

RATIOS = np.array([0.005, 0.05, 0.1, 0.10001, 0.15, 0.2, 0.55, 0.7])
KID = "kid@pytorch-fid"


def entry(store: Store, variant: str, values: Any, ratios: Any = RATIOS, seed: int = 0) -> CellStatus:
    return done(store, variant, seed, "free-form", ratios=ratios, l1=values)


def run_of(*entries: CellStatus, pairs: int = 8, **fields: Any) -> Run:
    masks = {"free-form": {"family": "free_form"}, "center": {"family": "center_box"}}
    given = {"metrics": ["l1"], "masks": masks, "test_masks": ["free-form"]}
    return stored_cells.run_of(*entries, num_pairs=pairs, **given | fields)


def buckets(store: Store, run: Run) -> Table:
    (made,) = by_hole_ratio.build(store, [run], KNOWN)
    return made


def texts_of(made: Table, *names: str) -> dict[str, str]:
    """Return the printed row of these names, by definition."""
    (found,) = (line for row, line in made.lines if row == [*names])
    return {definition: text for (_, definition), (text, _) in zip(made.columns, found, strict=True)}


def rows_of(made: Table, variant: str, definition: str = L1) -> dict[tuple[str, int], float]:
    """Return values by bucket and number of pairs."""
    values = made.values.xs(variant, level="method")["", definition]
    index = values.index.to_frame()
    return dict(zip(zip(index["hole ratio"], index["pairs"], strict=True), values, strict=True))


def test_bucket_includes_its_upper_edge_and_empty_ones_are_left_out(store: Store) -> None:
    values = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0]
    found = rows_of(buckets(store, run_of(entry(store, "a", values))), "a")
    expected = {
        ("0-0.01", 1): 1.0,
        ("0.01-0.1", 2): 3.0,
        ("0.1-0.2", 3): 56 / 3,
        ("0.5-0.6", 1): 64.0,
        ("0.6-1", 1): 128.0,
    }
    assert found == pytest.approx(expected)


def test_edges_hold_for_ratios_in_single_precision() -> None:
    stored = np.array([0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], np.float32).astype(float)
    assert by_hole_ratio.bucket_labels(stored).tolist() == by_hole_ratio.LABELS[:7]
    assert by_hole_ratio.bucket_labels(np.array([0.0, 1.0])).tolist() == ["0-0.01", "0.6-1"]


def test_best_and_intervals_are_computed_per_bucket(store: Store) -> None:
    rng = np.random.default_rng(0)
    ratios, noise = np.repeat([0.05, 0.15], 40), rng.normal(0, 0.01, (3, 80))
    base = rng.gamma(2, 0.1, 80)
    a = entry(store, "a", base + noise[0] + 0.05 * (ratios > 0.1), ratios)
    b, c = (
        entry(store, "b", base + noise[1] + 0.05 * (ratios < 0.1), ratios),
        entry(store, "c", base + noise[2] + 9, ratios),
    )
    made = buckets(store, run_of(a, b, c, pairs=80))
    best = made.best["", L1]
    assert best[best].index.to_frame()[["hole ratio", "method"]].to_numpy().tolist() == [
        ["0.01-0.1", "a"],
        ["0.1-0.2", "b"],
    ]
    alone = CellFolder(store.root / "cells" / a.folder, {}).rows("evaluation").head(40)
    half = entry(store, "a", alone["value"], ratios[:40])
    (whole,) = table.build(store, [run_of(half, pairs=40)], KNOWN)
    low = made.details["", L1, "low"].to_numpy()[0]
    assert low == pytest.approx(whole.details.loc["a", ("free-form", L1, "low")], rel=0.02)


def test_mask_sets_are_stacked_and_unsupported_ones_are_na(store: Store) -> None:
    both = entry(store, "a", [0.5] * 8)
    folder = CellFolder(store.root / "cells" / both.folder, {})
    center = folder.rows("evaluation").assign(mask_set_hash="center", hole_ratio=0.25)
    folder.add_rows("other", center)
    both.evaluation_ids["center"] = "other"
    lone = entry(store, "b", [0.5] * 8)
    lone.refused["center"] = "fills strokes only"
    made = buckets(store, run_of(both, lone, test_masks=["free-form", "center"]))
    assert list(dict.fromkeys(made.values.index.get_level_values("mask set"))) == ["free-form", "center"]
    assert texts_of(made, "center", "0.2-0.3", "8", "b") == {L1: "n/a"}
    assert any("b is n/a on center: it fills strokes only" in note for note in made.notes)


def with_features(store: Store, run: Run, scale: float) -> None:
    """Write features of one number each, whose Frechet distance is computed by hand."""
    folder = CellFolder(store.root / "cells" / run.entries[0].folder, {})
    values = scale * np.arange(8, dtype=np.float32)[:, None]
    for name in {features_name(KNOWN[definition]) for definition in (FID, KID)}:
        folder.write_features("evaluation", {name: Features(values, RATIOS, "free-form")})
        Features(values / scale + 1, np.zeros(8)).write(store.ground_truth_path(run.protocol, run.images, name))


def test_set_metrics_use_the_stored_features_of_the_bucket(store: Store) -> None:
    run = run_of(entry(store, "a", [0.5] * 8), metrics=["l1", "fid", "kid"])
    with_features(store, run, 2.0)
    made = buckets(store, run)
    found = rows_of(made, "a", FID)
    three, reference = np.array([6.0, 8.0, 10.0]), np.array([4.0, 5.0, 6.0])
    expected = (three.mean() - reference.mean()) ** 2 + (three.std(ddof=1) - reference.std(ddof=1)) ** 2
    assert found["0.1-0.2", 3] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(found["0.6-1", 1]), "one image has no covariance"
    printed = texts_of(made, "free-form", "0.1-0.2", "3", "a")
    assert printed[FID] == f"{expected:.2f}†"
    assert "†" not in printed[KID]
    assert any("† FID of 2 to 3 images" in note and "or measure kid@pytorch-fid" in note for note in made.notes)


def test_features_of_one_seed_are_a_mark_with_a_reason(store: Store) -> None:
    seeds = [entry(store, "a", [value] * 8, seed=seed) for seed, value in enumerate((0.5, 0.6))]
    run = run_of(*seeds, metrics=["l1", "fid"], seeds=[0, 1])
    with_features(store, run, 2.0)
    for each in seeds:
        folder = CellFolder(store.root / "cells" / each.folder, {})
        row = folder.rows("evaluation").head(1).assign(metric=pd.array([FID], dtype="string"), image="*", value=30.0)
        folder.add_rows("evaluation", row)
    made = buckets(store, run)
    assert texts_of(made, "free-form", "0.1-0.2", "3", "a")[FID].endswith("†§")
    assert "FID: its features are not stored for a, seed 1: repeat the bench run." in made.notes
    assert not any("no or not all" in note for note in made.notes)


def test_missing_features_are_a_gap_with_a_reason(store: Store) -> None:
    a = entry(store, "a", [0.5] * 8)
    folder = CellFolder(store.root / "cells" / a.folder, {})
    whole = (
        folder.rows("evaluation")
        .head(1)
        .assign(metric=pd.array([FID], dtype="string"), image=pd.array(["*"], dtype="string"))
    )
    folder.add_rows("evaluation", whole.assign(value=30.0))
    made = buckets(store, run_of(a, metrics=["l1", "fid"]))
    assert set(made.texts["", FID]) == {"-"}
    assert any("FID: its features are not stored" in note for note in made.notes)


def test_statistics_have_interval_ranks_and_group_of_every_mean(store: Store) -> None:
    rng = np.random.default_rng(1)
    base = rng.gamma(2, 0.1, 8 * 10)
    ratios = np.repeat(RATIOS, 10)
    shifts = {"a": 0.0, "b": 0.0, "c": 0.5}
    entries = [entry(store, name, base + shift + rng.normal(0, 0.01, 80), ratios) for name, shift in shifts.items()]
    (made,) = with_intervals.build(store, [run_of(*entries, pairs=80)], KNOWN)
    assert made.keys == ["mask set", "metric", "method"]
    (flat,) = table.build(store, [run_of(*entries, pairs=80)], KNOWN)
    plain = made.values.droplevel(0, axis=1).reset_index().set_index("method").to_dict("index")
    for name in shifts:
        row = plain[name]
        assert row["mean"] == pytest.approx(flat.values.loc[name, ("free-form", L1)])
        assert row["low"] < row["mean"] < row["high"]
        assert (row["pairs"], row["seeds"]) == (80, 1)
        ranks = (3, 3, "b") if name == "c" else (1, 2, "a")
        assert (row["best rank"], row["worst rank"], row["group"]) == ranks
    assert made.best["", "mean"].tolist() == flat.best["free-form", L1].tolist()
    text = texts_of(made, "free-form", L1, "c")
    assert str(flat.texts.loc["c", ("free-form", L1)]).startswith(f"{text['mean']} ± ")
    assert text["worst rank"] == "3"


def test_every_format_prints_both_tables_but_not_at_once(store: Store, tmp_path: Path) -> None:
    store.write_run(run_of(entry(store, "a", np.linspace(0, 1, 8)), entry(store, "b", np.linspace(0, 2, 8))))

    def report(*words: str) -> str:
        result = CliRunner().invoke(main, ["report", str(store.root), *words])
        assert result.exit_code == (2 if len(words) == 3 and "csv" not in words else 0), result.output
        return result.stdout or result.output

    assert report("--by", "hole_ratio", "--format", "csv").startswith(
        "mask set,hole ratio,pairs,method,l1@full,l1@full/low"
    )
    assert report("--statistics", "--format", "csv").startswith(
        "mask set,metric,method,mean,low,high,best rank,worst rank"
    )
    assert "| free-form | 0.1-0.2 | 3 | a |" in report("--by=hole_ratio", "--format=markdown")
    assert r"\begin{tabular}{llllr}" in report("--by=hole_ratio", "--format=latex")
    assert '<th scope="row">0.1-0.2</th>' in report("--by=hole_ratio", "--format=html")
    report("--by=hole_ratio", "--format=parquet", "-o", str(tmp_path / "t.parquet"))
    assert len(pd.read_parquet(tmp_path / "t.parquet")) == 10
    assert "0.1-0.2" in report("--by=hole_ratio")
    assert "Give only one of --by, --statistics and --against" in report("--by", "hole_ratio", "--statistics")
