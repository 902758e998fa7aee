"""`bench doctor --store`: a complete store has no findings, and every damage is found."""

import json
import os
import platform
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from support.stored_cells import done, run_of

from bench_core.cli import main
from bench_core.store import rows as rows_file
from bench_core.store.features import Features
from bench_core.store.lock import LOCK_NAME, STALE_SECONDS, folder_lock
from bench_core.store.store import Store


@pytest.fixture
def store(bench: Callable[..., Result], tmp_path: Path) -> Path:
    bench("--plugins", "pconv", "--test-masks", "center", "--metrics", "l1,psnr", "--steps", "2")
    assert doctor(tmp_path / "out", 0).endswith("Nothing to fix.\n")
    return tmp_path / "out"


def doctor(store: Path, code: int) -> str:
    result = CliRunner().invoke(main, ["doctor", "--store", str(store)])
    assert result.exit_code == code, result.output
    return result.output


def cell(store: Path) -> Path:
    return next((store / "cells").glob("pconv-*"))


def shorten(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def test_a_damaged_file_is_named(store: Path):
    for pattern in ("rows/*.parquet", "weights.safetensors", "provenance/training.json"):
        (path,) = cell(store).glob(pattern)
        whole = path.read_bytes()
        shorten(path)
        assert f"delete {path} and repeat" in doctor(store, 1)
        path.write_bytes(whole)
    assert "Nothing to fix" in doctor(store, 0)


def test_altered_numbers_are_found(tmp_path: Path):
    store, features = Store(tmp_path), Features(np.ones((2, 3)), np.zeros(2))
    entry = done(store, "pconv", l1=[0.1, 0.2])
    store.write_run(run_of(entry, num_pairs=2, metrics=["l1"]))
    folder, truth = store.folder(entry), tmp_path / "truth" / "a.safetensors"
    folder.add_curve_point(10, "center", {"l1@full": 0.5})
    folder.write_features("evaluation", {"inception": features})
    features.write(truth)
    assert "Nothing to fix" in doctor(tmp_path, 0)
    for path in (folder.path / "curves.jsonl", *folder.path.glob("features/*"), truth, *folder.path.glob("rows/*")):
        whole = path.read_bytes()
        path.write_bytes(whole[:-9] + bytes([whole[-9] ^ 1]) + whole[-8:])
        assert f"delete {path} and repeat" in doctor(tmp_path, 1)
        path.write_bytes(whole)


def test_missing_and_duplicate_rows_are_found(tmp_path: Path):
    entry = done(Store(tmp_path), "pconv", l1=[0.1, 0.2], psnr=[20.0, 30.0], fid=[5.0])
    failed = replace(entry, state="failed", evaluation_ids={"center": "never judged"})
    wanted = {"metrics": ["l1", "psnr", "fid", "lpips"], "missing": {"lpips@alex": "no weights"}}
    Store(tmp_path).write_run(run_of(entry, failed, num_pairs=2, **wanted))
    assert "Nothing to fix" in doctor(tmp_path, 0)
    (path,) = tmp_path.glob("cells/*/rows/*.parquet")
    rows = rows_file.read(path)  # of l1 twice, psnr twice, fid
    for wrong, fault in (
        (rows.iloc[1:], "1 rows of 1 images for l1@full, not 2"),
        (rows.iloc[[0, 0, 2, 3, 4]], "2 rows of 1 images for l1@full, not 2"),
        (rows.iloc[[0, 1, 4]], "no rows of psnr@full"),
        (rows.iloc[:4], "no rows of fid@pytorch-fid"),
        (pd.concat([rows, rows.iloc[:1]]), "3 rows of 2 images for l1@full, not 2"),
        (pd.concat([rows, rows.iloc[4:]]), "2 rows of 1 images for fid@pytorch-fid, not 1"),
        (rows.assign(value=float("nan")), "some values are missing"),
    ):
        rows_file.write(path, wrong)
        assert f"pconv, seed 0 on center: {fault}" in doctor(tmp_path, 1)
    path.unlink()
    assert "no rows of l1@full" in doctor(tmp_path, 1)


def test_other_weights_than_the_trained_ones_are_found(store: Path):
    path = cell(store) / "provenance" / "training.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"weights": "0" * 64}))
    assert "has other weights than those that were trained" in doctor(store, 1)
    path.unlink()  # as after a training that was killed before it wrote the file
    assert "Nothing to fix" in doctor(store, 0)


def test_a_damaged_run_is_found(store: Path):
    (path,) = store.glob("runs/*/run.json")
    shorten(path)
    assert f"{path} is damaged" in doctor(store, 1)


def test_temporary_files_are_found_unless_they_are_in_use(store: Path):
    left = [folder / ".half-written-abc.safetensors" for folder in (cell(store), store / "runs")]
    for path in left:
        path.touch()
    (store / ".git").mkdir()
    unfinished = [f"{path.relative_to(store)} was never finished" for path in left]
    with folder_lock(cell(store)):
        said = doctor(store, 0)
        assert f"process {os.getpid()} on {platform.node()} works on it" in said and "never finished" not in said
    said = doctor(store, 1)
    assert all(each in said for each in unfinished) and ".git" not in said
    (cell(store) / LOCK_NAME).write_text('{"host": "els')
    long_ago = (cell(store) / "identity.json").stat().st_mtime - 2 * STALE_SECONDS
    os.utime(cell(store) / LOCK_NAME, (long_ago, long_ago))
    said = doctor(store, 1)
    assert all(each in said for each in [*unfinished, "its owner has ended"]) and "cannot be read" not in said


def test_a_folder_that_is_no_store_is_refused(tmp_path: Path):
    assert "is no store" in doctor(tmp_path, 2)
