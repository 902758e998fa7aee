"""The main job: the same rows again and again, whatever interrupts it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from bench_core.store.store import CellFolder, Run, Store, read_runs

Bench = Callable[..., Result]


def stored(out: Path) -> tuple[Store, Run]:
    store, runs = read_runs(out)
    return store, runs[-1]


def rows(out: Path) -> pd.DataFrame:
    return Store.rows(*stored(out))


DROPPED = {
    "context_encoder": "adversarial",
    "glcic": "adversarial",
    "gradient_attention": "grad_l1",
    "pconv": "style",
    "gated": "adversarial",
    "dmfn": "align",
}


def test_terms_are_added_to_and_dropped_from_every_method(bench: Bench, tmp_path: Path):
    """And stand in the variant's name and in the stored recipe."""
    asked = ",".join(f"{method}-{term}" for method, term in DROPPED.items())
    world = ["--size", "64", "--steps", "2", "--test-images", "1", "--test-masks", "center", "--train-masks", "center"]
    bench("--plugins", asked, "--add-loss", "tv=0.5", "--no-baselines", "--metrics", "l1", *world)
    store, run = stored(tmp_path / "out")
    assert [entry.variant for entry in run.entries] == [f"{name}+tv=0.5-{term}" for name, term in DROPPED.items()]
    for entry in run.entries:
        assert entry.state == "done", entry.reason
        identity = json.loads((store.root / "cells" / entry.folder / "identity.json").read_text())
        updates = [
            update for phase in identity["recipe"]["phases"] for one_round in phase["rounds"] for update in one_round
        ]
        painters = [update["losses"] for update in updates if update["network"] == "generator"]
        assert painters and all(losses["tv"] == 0.5 for losses in painters)
        assert not any(DROPPED[entry.method] in losses for losses in painters)


def test_a_run_leaves_rows_provenance_weights_and_tables(bench: Bench, tmp_path: Path):
    result = bench("--plugins", "pconv")
    store, run = stored(tmp_path / "out")
    assert [entry.state for entry in run.entries] == ["done"] * 4
    found = rows(tmp_path / "out")
    assert set(found["method"]) == {"mean_color", "telea", "navier_stokes", "pconv"}
    assert set(found["image"]) == {"test/0.png", "test/1.png"}
    assert set(found["mask_set"]) == {"center", "free-form"}
    assert len(found) == 4 * 2 * 2 * 3  # methods, images, mask sets, metrics
    assert found.loc[found["mask_set"] == "center", "hole_ratio"].eq(0.25).all()
    assert found.groupby("mask_set", observed=True)["mask_set_hash"].nunique().eq(1).all()
    cell = store.root / "cells" / run.entries[-1].folder
    provenance = json.loads((cell / "provenance" / "training.json").read_text())
    assert provenance["protocol"]["steps"] == 4
    assert {"torch", "inpaint-bench"} <= set(provenance["versions"])
    assert len(provenance["weights"]) == 64
    assert json.loads((cell / "identity.json").read_text())["recipe"]["phases"][1]["name"] == "finetune"
    assert (cell / "weights.safetensors").exists() and not (cell / "checkpoint.pt").exists()
    folder = store.run_folder(run)
    assert {path.name for path in folder.iterdir()} >= {"run.json", "table.md", "table.csv", "table.tex", "grid.png"}
    assert "pconv" in result.output and str(folder.name) in result.output.replace("\n", "")


def test_two_clean_folders_hold_the_same_rows(bench: Bench, tmp_path: Path):
    for out in ("a", "b"):
        bench("--plugins", "pconv,gated", out=out)
    pd.testing.assert_frame_equal(rows(tmp_path / "a"), rows(tmp_path / "b"), check_exact=True)
    weights = [sorted((tmp_path / out / "cells").glob("*/weights.safetensors")) for out in ("a", "b")]
    assert len(weights[0]) == 2
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*weights, strict=True))


def test_batch_size_and_workers_change_no_hole_and_no_value(bench: Bench, tmp_path: Path):
    bench("--plugins", "pconv", "--eval-batch", "1", out="a")
    bench("--plugins", "pconv", "--eval-batch", "2", "--workers", "2", out="b")
    a, b = rows(tmp_path / "a"), rows(tmp_path / "b")
    keys = ["variant", "mask_set", "metric", "image"]
    a, b = (frame.sort_values(keys, ignore_index=True) for frame in (a, b))
    pd.testing.assert_frame_equal(a.drop(columns="value"), b.drop(columns="value"), check_exact=True)
    assert (a["value"] - b["value"]).abs().max() < 1e-6


def test_a_repeated_command_does_nothing_twice(bench: Bench, tmp_path: Path):
    bench("--plugins", "pconv")
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "cells").rglob("*") if path.is_file()}
    assert len(files) > 20
    bench("--plugins", "pconv")
    assert {
        path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "cells").rglob("*") if path.is_file()
    } == files


def test_another_metric_is_measured_without_training_again(bench: Bench, tmp_path: Path):
    bench("--plugins", "pconv", "--metrics", "l1")
    (weights,) = (tmp_path / "out" / "cells").glob("*/weights.safetensors")
    before = weights.stat().st_mtime_ns
    bench("--plugins", "pconv", "--metrics", "l1,l2")
    assert weights.stat().st_mtime_ns == before
    assert set(rows(tmp_path / "out")["metric"]) == {"l1@full", "l2@full"}


def test_what_changes_training_trains_anew(bench: Bench, tmp_path: Path, photographs: Path):
    bench("--plugins", "pconv", "--no-baselines")
    for change in (["--steps", "5"], ["--seeds", "1"], ["--train-masks", "center"], ["--drop-loss", "tv"], []):
        if not change:
            (photographs / "train" / "2.png").write_bytes((photographs / "train" / "3.png").read_bytes())
        before = len(list((tmp_path / "out" / "cells").iterdir()))
        bench("--plugins", "pconv", "--no-baselines", *change)
        assert len(list((tmp_path / "out" / "cells").iterdir())) == before + 1, change


def test_a_changed_test_image_is_judged_anew_without_training(bench: Bench, tmp_path: Path, photographs: Path):
    bench("--plugins", "pconv", "--no-baselines")
    before = rows(tmp_path / "out")
    (photographs / "test" / "1.png").write_bytes((photographs / "train" / "3.png").read_bytes())
    bench("--plugins", "pconv", "--no-baselines")
    assert len(list((tmp_path / "out" / "cells").iterdir())) == 1
    after = rows(tmp_path / "out")
    changed = before["value"].ne(after["value"])
    assert set(before.loc[changed, "image"]) == {"test/1.png"}


def test_variants_stand_in_the_table_under_their_names(bench: Bench, tmp_path: Path):
    result = bench("--plugins", "pconv", "--add-loss", "l1=0.5", "--drop-loss", "style,perceptual")
    assert "pconv+l1=0.5-style-perceptual" in result.output
    assert "pconv+l1=0.5-style-perceptual" in set(rows(tmp_path / "out")["variant"])


def test_several_seeds_are_several_trainings_and_baselines_one(bench: Bench, tmp_path: Path):
    result = bench("--plugins", "pconv", "--seeds", "0,1")
    found = rows(tmp_path / "out")
    assert set(found.loc[found["variant"] == "pconv", "seed"]) == {0, 1}
    assert set(found.loc[found["variant"] == "telea", "seed"]) == {0}
    assert "±" in result.output


@pytest.mark.parametrize("precision", ["bf16-mixed"])
def test_mixed_precision_is_a_variant_of_its_own(bench: Bench, tmp_path: Path, precision: str):
    bench("--plugins", "pconv", "--precision", precision)
    assert f"pconv ({precision})" in set(rows(tmp_path / "out")["variant"])


def test_a_failing_cell_is_a_row_and_is_tried_again(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from bench_core.losses import smoothness

    with monkeypatch.context() as patch:
        patch.setattr(smoothness, "tv", lambda ctx: ctx.prediction.mean() / 0)
        result = bench("--plugins", "pconv,gated", code=1)
    _, run = stored(tmp_path / "out")
    states = {entry.variant: entry.state for entry in run.entries}
    assert states == {
        "mean_color": "done",
        "telea": "done",
        "navier_stokes": "done",
        "gated": "done",
        "pconv": "failed",
    }
    said = result.output.replace("\n", " ")
    assert "loss term tv of the generator became NaN or infinite at step 0" in said
    cell = CellFolder(tmp_path / "out" / "cells" / next(e.folder for e in run.entries if e.state == "failed"), {})
    assert "NonFiniteError" in (cell.path / "failure.txt").read_text()
    bench("--plugins", "pconv,gated")
    assert not (cell.path / "failure.txt").exists()


@pytest.mark.parametrize(
    "moment",
    [
        pytest.param("checking images", marks=pytest.mark.long),
        "training",
        pytest.param("evaluating", marks=pytest.mark.long),
    ],
)
def test_a_killed_run_goes_on_and_ends_with_the_same_table(
    bench: Bench, tmp_path: Path, protocol: Path, photographs: Path, moment: str
):
    """SIGKILL, in a process of its own, at each kind of work."""
    bench("--plugins", "glcic", out="straight")
    code = (
        "from bench_core.training import trainer; trainer.CHECKPOINT_SECONDS = -1\n"
        "from bench_core.system import progress; progress.LINE_SECONDS = -1\n"
        "from bench_core.cli import main; main()"
    )
    options = ["--protocol", protocol, "--data", photographs, "--device", "cpu", "--out", tmp_path / "out"]
    command = [sys.executable, "-c", code, "run", "--plugins", "glcic", *map(str, options)]
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TORCH_HOME": str(tmp_path)}
    )
    assert process.stderr is not None
    said = next((line for line in process.stderr if line.startswith(moment)), "")
    time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stderr.close()
    assert said, f"the run never came to {moment}"
    bench("--plugins", "glcic")
    pd.testing.assert_frame_equal(rows(tmp_path / "straight"), rows(tmp_path / "out"), check_exact=True)
    tables = [(tmp_path / out / "runs").glob("*/table.csv") for out in ("straight", "out")]
    assert next(tables[0]).read_text() == next(tables[1]).read_text()
