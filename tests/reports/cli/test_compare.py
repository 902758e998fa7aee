"""`bench compare`: paired differences, and inputs that must not be compared."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from scipy import stats
from support.stored_cells import done, protocol

from bench_core.cli import main
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus, Run, Store

RNG = np.random.default_rng(5)
DIFFICULTY = RNG.gamma(2, 0.1, 50)
NOISE = RNG.normal(0, 0.01, (4, 50))


def entry(store: Store, variant: str, values: Any, seed: int = 0, metric: str = "l1", **about: Any) -> CellStatus:
    """Write a cell with one metric on one mask set."""
    return done(store, variant, seed, about=about, **{metric: values})


def write(root: Path, *entries: CellStatus, images: str = "images", **fields: Any) -> Path:
    """Write a run, and return its folder."""
    return Store(root).write_run(Run(protocol(**{"metrics": ["l1"], **fields}), images, 50, list(entries), {}))


def bench(*words: Any, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["compare", *map(str, words)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def compared(*words: Any) -> dict[str, Any]:
    """Return the only comparison that the command prints."""
    (found,) = json.loads(bench(*words, "--json").output)
    (row,) = found["comparisons"]
    return row


@pytest.fixture
def root(tmp_path: Path) -> Path:
    store = Store(tmp_path)
    a, b = entry(store, "a", DIFFICULTY + NOISE[0]), entry(store, "b", DIFFICULTY + NOISE[1] + 0.02)
    write(tmp_path, a, b, entry(store, "twin", DIFFICULTY + NOISE[0]))
    return tmp_path


def test_difference_equals_that_of_the_pairs(root: Path) -> None:
    row = compared("a", "b", root)
    differences = NOISE[0] - NOISE[1] - 0.02
    ends = stats.ttest_1samp(differences, 0).confidence_interval()
    assert row["difference"] == pytest.approx(differences.mean())
    assert (row["low"], row["high"]) == pytest.approx((ends.low, ends.high), abs=5e-4)
    assert row["p"] < 0.01
    assert row["a_better"] == (differences < 0).mean()
    assert row["verdict"] == "a is better"
    _, unpaired = stats.ttest_ind(DIFFICULTY + NOISE[0], DIFFICULTY + NOISE[1] + 0.02)
    assert unpaired > 0.2  # type: ignore[operator]


def test_swapping_the_sides_negates_the_difference(root: Path) -> None:
    one, other = compared("a", "b", root), compared("b", "a", root)
    assert other["difference"] == -one["difference"]
    assert (other["low"], other["high"]) == pytest.approx((-one["high"], -one["low"]), abs=5e-4)
    assert other["verdict"] == "a is better"


def test_copy_is_equal(root: Path) -> None:
    row = compared("a", "twin", root)
    assert (row["difference"], row["p"], row["a_better"], row["verdict"]) == (0, None, 0, "equal")


def test_chance_difference_is_not_distinguishable(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(tmp_path, entry(store, "a", DIFFICULTY + NOISE[0]), entry(store, "b", DIFFICULTY + NOISE[1]))
    assert compared("a", "b", tmp_path)["verdict"] == "not distinguishable"


def test_higher_wins_if_higher_is_better(tmp_path: Path) -> None:
    store = Store(tmp_path)
    a, b = (entry(store, name, 20 + NOISE[0] + shift, metric="psnr") for name, shift in (("a", 1), ("b", 0)))
    write(tmp_path, a, b, metrics=["psnr"])
    assert (row := compared("a", "b", tmp_path))["verdict"] == "a is better"
    assert row["a_better"] == 1


def test_p_is_corrected_for_all_comparisons(tmp_path: Path) -> None:
    store = Store(tmp_path)
    a, b = (entry(store, name, DIFFICULTY + noise) for name, noise in (("a", NOISE[0]), ("b", NOISE[1] + 0.004)))
    alone = write(tmp_path, a, b)
    p = compared("a", "b", alone)["p"]
    for cell, noise in ((a, NOISE[2]), (b, NOISE[3])):
        folder = CellFolder(tmp_path / "cells" / cell.folder, {})
        rows = folder.rows("evaluation")
        folder.add_rows("evaluation", rows.assign(metric=pd.array(["l2@full"] * 50, dtype="string"), value=noise))
    both = write(tmp_path, a, b, metrics=["l1", "l2"])
    (found,) = json.loads(bench("a", "b", both, "--json").output)
    least = min(row["p"] for row in found["comparisons"])
    assert least == pytest.approx(2 * p, rel=0.25)
    assert "for the 2 comparisons" in found["notes"][0]
    assert compared("a", "b", both, "--metrics", "l1")["p"] == pytest.approx(p, rel=0.25)


def test_equal_values_are_not_counted_among_the_comparisons(tmp_path: Path) -> None:
    """Of three methods in two runs only one differs, as if it were alone."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder, noise in zip(folders, (NOISE[0], NOISE[1] + 0.007), strict=True):
        same = [entry(Store(folder), name, DIFFICULTY) for name in ("telea", "mean_color")]
        write(folder, *same, entry(Store(folder), "a", DIFFICULTY + noise))
    (found,) = json.loads(bench(*folders, "--json").output)
    p = {row["method"]: (row["p"], row["verdict"]) for row in found["comparisons"]}
    assert p["telea"] == p["mean_color"] == (None, "equal")
    assert 0.005 < p["a"][0] < 0.03
    assert "for the 1 comparisons of this table; equal values are not compared" in found["notes"][0]


def test_few_images_get_no_verdict(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for count, verdict in ((9, "too few images"), (10, "a is better")):
        a, b = (entry(store, name, DIFFICULTY[:count] + shift) for name, shift in (("a", 0), ("b", 0.5)))
        folder = write(tmp_path, a, b, name=f"of-{count}")
        assert compared("a", "b", folder)["verdict"] == verdict


def test_method_of_one_seed_borrows_the_variance_of_several(tmp_path: Path) -> None:
    """A method without training is not confused with one that was trained once."""
    folders = [tmp_path / name for name in ("several", "once")]
    for folder, luck in zip(folders, ((0.0, 0.01, 0.02), (0.0,)), strict=True):
        trained = [entry(Store(folder), "a", DIFFICULTY + each, seed) for seed, each in enumerate(luck)]
        write(folder, *trained, entry(Store(folder), "b", DIFFICULTY + NOISE[1]), seeds=range(len(luck)))
    (found,) = json.loads(bench(*folders, "--json").output)
    (row,) = (row for row in found["comparisons"] if row["method"] == "a")
    single = 2.3 * stats.t.ppf(0.975, 2) * 0.01
    assert row["high"] - row["low"] == pytest.approx(2 * single * (1 / 3 + 4) ** 0.5, rel=0.01)
    against = compared("a", "b", folders[0])
    assert against["high"] - against["low"] == pytest.approx(2 * single / 3**0.5, rel=0.05)


def test_seed_variance_widens_the_interval(tmp_path: Path) -> None:
    """Trainings that vary between seeds widen the interval."""
    store = Store(tmp_path)
    luck = {"a": (-0.03, 0.0, 0.03), "b": (0.0, 0.03, 0.06)}
    cells = [entry(store, name, DIFFICULTY + each, seed) for name, of in luck.items() for seed, each in enumerate(of)]
    write(tmp_path, *cells, seeds=[0, 1, 2])
    row = compared("a", "b", tmp_path)
    assert row["difference"] == pytest.approx(-0.03)
    assert row["verdict"] == "not distinguishable"
    assert row["low"] < -0.06


def test_all_formats_show_the_comparison(root: Path) -> None:
    shown = bench("a", "b", root).output
    for part in ("a against b", "center", "l1@full", "-0.0", "a is better", "corrected", "95 % interval"):
        assert part in shown
    markdown = bench("a", "b", root, "--format", "markdown").output
    assert "| mask set | metric | a | b | difference | low | high | p | a better on | verdict |" in markdown
    csv = bench("a", "b", root, "--format", "csv").stdout.splitlines()
    assert csv[0] == "mask set,metric,a,b,difference,low,high,p,a better on,verdict"


def test_default_folder_is_results(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "home").mkdir()
    (root / "home" / "results").symlink_to(root)
    monkeypatch.chdir(root / "home")
    assert compared("a", "b")["verdict"] == "a is better"


def test_two_runs_are_compared_method_by_method(tmp_path: Path) -> None:
    old, new = Store(tmp_path / "old"), Store(tmp_path / "new")
    before = write(old.root, entry(old, "a", DIFFICULTY + 0.02 + NOISE[0]), entry(old, "b", DIFFICULTY))
    after = write(new.root, entry(new, "a", DIFFICULTY + NOISE[1]), entry(new, "c", DIFFICULTY), steps=90)
    row = compared(before, after)
    assert (row["method"], row["mask_set"], row["metric"]) == ("a", "center", "l1@full")
    assert row["verdict"] == f"{after} is better"
    assert "method" in bench(before, after).output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": "others"}, r"use different images.*images.*others"),
        ({"size": 64}, "cut their images differently: size is 32 in .*, 64 in "),
        ({"crops": 2}, "crops is 1 in .*, 2 in "),
    ],
)
def test_runs_of_different_images_are_rejected(tmp_path: Path, change: dict, message: str) -> None:
    old, new = Store(tmp_path / "old"), Store(tmp_path / "new")
    before, after = write(old.root, entry(old, "a", DIFFICULTY)), write(new.root, entry(new, "a", DIFFICULTY), **change)
    rejected(message, before, after)


def rejected(message: str, *words: Any) -> None:
    output = " ".join(bench(*words, code=2).output.split())
    assert re.search(message, output), output


def test_different_holes_are_rejected(tmp_path: Path) -> None:
    old, new = Store(tmp_path / "old"), Store(tmp_path / "new")
    before = write(old.root, entry(old, "a", DIFFICULTY))
    after = write(new.root, entry(new, "a", DIFFICULTY, mask_set_hash="xyz"))
    rejected("On center .*old.* and .*new.* filled different holes.*abc and xyz", before, after)


def test_different_image_lists_are_rejected(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(tmp_path, entry(store, "a", DIFFICULTY), entry(store, "b", DIFFICULTY[:48]))
    rejected("On center the images differ: 50 of a, 48 of b. a has image-48, b does not", "a", "b", tmp_path)


def test_different_version_of_a_metric_is_rejected(tmp_path: Path) -> None:
    store = Store(tmp_path)
    write(tmp_path, entry(store, "a", DIFFICULTY), entry(store, "b", DIFFICULTY, version=7))
    rejected("b was measured with version 7 of l1@full, but version 1 is installed", "a", "b", tmp_path)


def test_impossible_comparisons_are_rejected(root: Path, tmp_path: Path) -> None:
    rejected("no evaluated method 'twinn'. Did you mean 'twin'", "a", "twinn", root)
    rejected("a is given twice", "a", "a", root)
    rejected("psnr@full was not measured for a; measured are l1@full", "a", "b", root, "--metrics", "psnr")
    rejected("no metric 'l9'", "a", "b", root, "--metrics", "l9")
    rejected("nowhere holds no runs", "a", "b", "nowhere")
    rejected("--json and --format csv", "a", "b", root, "--json", "--format", "csv")
    store = Store(tmp_path / "apart")
    write(store.root, entry(store, "a", DIFFICULTY))
    write(store.root, entry(store, "b", DIFFICULTY), steps=10)
    rejected("a and b were not evaluated under one protocol", "a", "b", store.root)
    rejected("holds 2 experiments.*give one of its runs/", store.root, root)
    (lone,) = [path for path in (store.root / "runs").iterdir() if '"b"' in (path / "run.json").read_text()]
    (other,) = [path for path in (store.root / "runs").iterdir() if path != lone]
    rejected("no method in common: .* has a and .* has b", other, lone)


def test_metric_of_a_whole_set_has_no_verdict(tmp_path: Path) -> None:
    store = Store(tmp_path)
    cells = [entry(store, name, [value], metric="fid") for name, value in (("a", 30.0), ("b", 40.0))]
    write(tmp_path, *cells, metrics=["fid"])
    row = compared("a", "b", tmp_path)
    assert (row["difference"], row["p"], row["low"]) == (-10, None, None)
    assert row["verdict"] == "a has the better number; its significance is unknown"
