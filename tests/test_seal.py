"""Numbers that have changed on disk are not taken for what was measured."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from bench_core import rows, seal
from bench_core.errors import BadInput
from bench_core.features import Features
from bench_core.store import Entry, Run, Store, as_rows, read_runs

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

    record = Store(folder).write_run(Run(load("quick"), "digest", 20, [Entry("a", "a", 0)], {})) / "run.json"
    return record, lambda: read_runs(folder)


KINDS = [stored_rows, stored_features, stored_run]


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    path, _ = stored_rows(tmp_path)
    pd.testing.assert_frame_equal(rows.read(path), ROWS)
    together = rows.together([(path, "one"), (path, "other")])
    assert together["mask_set"].astype(str).tolist() == ["one"] * 50 + ["other"] * 50
    assert together["value"].tolist() == [*ROWS["value"]] * 2


def test_equal_features_make_equal_files_and_come_back(tmp_path: Path) -> None:
    contents = {stored_features(tmp_path)[0].read_bytes() for _ in range(8)}
    assert len(contents) == 1
    found = Features.read(tmp_path / "f.safetensors")
    assert found and found.mask_set_hash == FEATURES.mask_set_hash
    np.testing.assert_array_equal(found.values, FEATURES.values)


def test_features_of_before_there_were_seals_are_read(tmp_path: Path) -> None:
    arrays = {"values": FEATURES.values, "hole_ratio": FEATURES.hole_ratio}
    save_file(arrays, tmp_path / "old.safetensors", {"mask_set_hash": "abc"})
    found = Features.read(tmp_path / "old.safetensors")
    assert found and found.mask_set_hash == "abc"


def test_rows_of_before_there_were_seals_and_versions_are_read(tmp_path: Path) -> None:
    ROWS.drop(columns="version").to_parquet(tmp_path / "old.parquet", index=False)
    pd.testing.assert_frame_equal(rows.read(tmp_path / "old.parquet"), ROWS)


@pytest.mark.parametrize("stored", KINDS)
@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_no_byte_can_be_changed_unnoticed(stored: Callable, data: st.DataObject, tmp_path_factory) -> None:
    path, read = stored(tmp_path_factory.mktemp("stored"))
    read()
    content = bytearray(path.read_bytes())
    first = content.rindex(b"bench-sha256:")
    word = range(first, first + len("bench-sha256:"))
    places = st.integers(0, len(content) - 1).filter(lambda place: place not in word)
    content[data.draw(places)] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(BadInput, match=path.name):
        read()


def test_a_file_that_cannot_be_opened_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        seal.read(tmp_path)
