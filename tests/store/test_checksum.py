"""Checksums: numbers that were changed on disk are detected and rejected."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench_core.errors import BadInput
from bench_core.store import checksum, rows
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.store.rows import as_rows
from bench_core.store.store import CellStatus, Run, Store, read_runs

ABOUT = {"method": "a", "variant": "a", "seed": 0, "mask_set": "center", "mask_set_hash": "abc", "hole_ratio": 0.25}
ABOUT |= {"metric": "l1@full", "region": "full", "source": "composite"}
ROWS = as_rows({**ABOUT, "image": f"{number}.png", "value": number / 7} for number in range(50))
FEATURES = Features(np.arange(12, dtype=np.float32).reshape(4, 3), np.linspace(0, 1, 4), "abc")


def stored_rows(folder: Path) -> tuple[Path, Callable[[], object]]:
    rows.write(folder / "r.parquet", ROWS)
    return folder / "r.parquet", lambda: rows.read(folder / "r.parquet")


def stored_features(folder: Path) -> tuple[Path, Callable[[], object]]:
    FEATURES.write(folder / "f.safetensors")
    return folder / "f.safetensors", lambda: Features.read(folder / "f.safetensors")


def stored_run(folder: Path) -> tuple[Path, Callable[[], object]]:
    from bench_core.protocol import load

    record = Store(folder).write_run(Run(load("quick"), "digest", 20, [CellStatus("a", "a", 0)], {})) / "run.json"
    return record, lambda: read_runs(folder)


def stored_curves(folder: Path) -> tuple[Path, Callable[[], object]]:
    cell = CellFolder(folder, {})
    for step in (10, 20):
        cell.add_curve_point(step, "center", {"l1@full": 1 / step})
    return folder / "curves.jsonl", cell.curves


KINDS = [stored_rows, stored_features, stored_run, stored_curves]


def test_rows_survive_a_round_trip(tmp_path: Path) -> None:
    path, _ = stored_rows(tmp_path)
    pd.testing.assert_frame_equal(rows.read(path), ROWS)
    frame = rows.read_many([(path, "one"), (path, "other")])
    assert frame["mask_set"].astype(str).tolist() == ["one"] * 50 + ["other"] * 50
    assert frame["value"].tolist() == [*ROWS["value"]] * 2


def test_equal_features_give_equal_files_and_survive_a_round_trip(tmp_path: Path) -> None:
    contents = {stored_features(tmp_path)[0].read_bytes() for _ in range(8)}
    assert len(contents) == 1
    found = Features.read(tmp_path / "f.safetensors")
    assert found and found.mask_set_hash == FEATURES.mask_set_hash
    np.testing.assert_array_equal(found.values, FEATURES.values)


def test_a_repeated_step_of_the_curves_replaces_all_later_points(tmp_path: Path) -> None:
    stored_curves(tmp_path)
    cell = CellFolder(tmp_path, {})
    cell.add_curve_point(10, "center", {"l1@full": 0.5})
    assert cell.curves() == [{"step": 10, "mask_set": "center", "values": {"l1@full": 0.5}}]


@pytest.mark.parametrize("stored", KINDS)
def test_a_file_without_a_checksum_is_rejected(stored: Callable, tmp_path: Path) -> None:
    path, read = stored(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"bench-sha256:", b"bench-sha---:"))
    with pytest.raises(BadInput, match="its own sha256 is missing"):
        read()


@pytest.mark.parametrize("stored", KINDS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_every_changed_byte_is_detected(stored: Callable, data: st.DataObject, tmp_path_factory) -> None:
    path, read = stored(tmp_path_factory.mktemp("stored"))
    read()
    content = bytearray(path.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(BadInput, match=path.name):
        read()


def test_a_file_that_cannot_be_opened_raises_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        checksum.read(tmp_path)
