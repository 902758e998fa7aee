"""Records of runs: what a repetition keeps, and records of other versions."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet
from safetensors.numpy import save

from bench_core import __version__
from bench_core.errors import BadInput
from bench_core.protocol import Protocol
from bench_core.store import checksum, rows
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.store.store import CellStatus, Run, State, Store, read_runs
from bench_core.system import files

RULES = Protocol.model_validate(
    {
        "name": "mine",
        "image_set": "photos",
        "size": 32,
        "steps": 9,
        "batch": 2,
        "seeds": [0, 1],
        "metrics": ["l1"],
        "masks": {"center": {"family": "center_box"}},
    }
)


def run_of(created: str, **states: tuple[State, ...]) -> Run:
    entries = [
        CellStatus(variant, variant, seed, state, f"{variant}-{seed}-{created}" if state == "done" else "")
        for variant, given in states.items()
        for seed, state in enumerate(given)
    ]
    return Run(RULES, "digest", 20, entries, {}, created=created)


def stored(store: Store) -> Run:
    (run,) = read_runs(store.root)[1]
    return run


def kept(store: Store) -> list[list[str]]:
    return [[entry.folder for entry in each] for each in stored(store).earlier]


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_unfinished_repetition_keeps_the_finished_cells(store: Store, state: State) -> None:
    store.write_run(run_of("1", a=("done", "done"), b=("done", "failed")))
    store.write_run(run_of("2", a=("done", state), b=("done", "done")))
    assert kept(store) == [["a-0-1", "a-1-1"]], "all seeds of the unfinished variant, and no other"


def test_finished_repetition_keeps_nothing(store: Store) -> None:
    store.write_run(run_of("1", a=("done", "done")))
    repeated = run_of("2", a=("pending", "pending"))
    attempts: list[tuple[State, State]] = [("pending", "pending"), ("done", "pending"), ("done", "done")]
    for states in attempts:
        repeated.entries = run_of("2", a=states).entries
        store.write_run(repeated)
        assert kept(store) == ([["a-0-1", "a-1-1"]] if "pending" in states else [])


def test_repetitions_of_killed_repetitions_keep_each_attempt_once(store: Store) -> None:
    store.write_run(run_of("1", a=("done", "done")))
    for created in "234":
        store.write_run(run_of(created, a=("pending", "pending")))
    assert kept(store) == [["a-0-1", "a-1-1"]]
    store.write_run(run_of("5", a=("done", "pending")))
    store.write_run(run_of("6", a=("pending", "pending")))
    assert kept(store) == [["a-0-1", "a-1-1"], ["a-0-5"]]
    found = run_of("6", a=("done", "pending"))
    found.entries[0].folder = "a-0-5"
    store.write_run(found)
    store.write_run(run_of("7", a=("pending", "pending")))
    assert kept(store) == [["a-0-1", "a-1-1"], ["a-0-5"]], "once, though two attempts had it"


def test_record_names_the_version(store: Store) -> None:
    folder = store.write_run(run_of("1", a=("done",)))
    assert json.loads((folder / "run.json").read_text())["version"] == __version__


def change_run(change: Callable[[dict], Any]) -> Callable[[Store], object]:
    def read(store: Store) -> object:
        path = store.write_run(run_of("1", a=("done",))) / "run.json"
        record = json.loads(path.read_text())
        change(record)
        checksum.write(path, files.json_bytes({**record, checksum.KEY: checksum.BLANK}))
        return read_runs(store.root)

    return read


def read_rows(change: Callable[[pa.Table], pa.Table]) -> Callable[[Store], object]:
    def read(store: Store) -> object:
        table = change(pa.Table.from_pandas(rows.as_rows([]), rows.SCHEMA, preserve_index=False))
        buffer = pa.BufferOutputStream()
        parquet.write_table(table.replace_schema_metadata({checksum.KEY: checksum.BLANK}), buffer)
        checksum.write(store.root / "rows.parquet", buffer.getvalue().to_pybytes())
        return rows.read(store.root / "rows.parquet")

    return read


def read_features(arrays: tuple[str, ...], about: tuple[str, ...]) -> Callable[[Store], object]:
    def read(store: Store) -> object:
        metadata = {**dict.fromkeys(about, ""), checksum.KEY: checksum.BLANK}
        content = save(dict.fromkeys(arrays, np.zeros(2)), {"about": json.dumps(metadata)})
        checksum.write(store.root / "features.safetensors", content)
        return Features.read(store.root / "features.safetensors")

    return read


def read_cell(name: str, text: str, method: str, *given: str) -> Callable[[Store], object]:
    def read(store: Store) -> object:
        cell = CellFolder(store.root / "cells" / "a", {})
        files.write_bytes(cell.path / name, text.encode())
        files.write_bytes(cell.path / "weights.safetensors", b"weights")
        return getattr(cell, method)(*given)

    return read


def read_curves(store: Store) -> object:
    cell = CellFolder(store.root / "cells" / "a", {})
    lines = [{"iteration": 1, "mask_set": "center", "values": {}}, {checksum.KEY: checksum.BLANK}]
    checksum.write(cell.path / "curves.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    return cell.curves()


OTHER_VERSIONS: dict[str, Callable[[Store], object]] = {
    "a new field of a run": change_run(lambda record: record.update(colour=1)),
    "a new field of a cell": change_run(lambda record: record["entries"][0].update(colour=1)),
    "a new rule": change_run(lambda record: record["protocol"].update(antialias=True)),
    "a rule of another kind": change_run(lambda record: record["protocol"].update(size="large")),
    "a field less": change_run(lambda record: record.pop("images")),
    "a rule less": change_run(lambda record: record["protocol"].pop("steps")),
    "no cells": change_run(lambda record: record.pop("entries")),
    "a further column": read_rows(lambda table: table.append_column("unit", pa.array([], pa.string()))),
    "a column less": read_rows(lambda table: table.drop_columns(["value"])),
    "a column of another type": read_rows(
        lambda table: table.set_column(8, "version", pa.array([], pa.list_(pa.int64())))
    ),
    "another array": read_features(("values", "hole_ratio", "weight"), ("mask_set_hash",)),
    "an array less": read_features(("values",), ("mask_set_hash",)),
    "other facts of features": read_features(("values", "hole_ratio"), ("mask_set_hash", "unit")),
    "fewer facts of features": read_features(("values", "hole_ratio"), ()),
    "an identity that is a list": read_cell("identity.json", "[]", "read_record", "identity"),
    "a training without its weights": read_cell("provenance/training.json", "{}", "trained_weights"),
    "other curves": read_curves,
}


@pytest.mark.parametrize("kind", OTHER_VERSIONS)
def test_intact_record_of_another_version_is_not_called_damaged(store: Store, kind: str) -> None:
    store.root.mkdir(parents=True, exist_ok=True)
    with pytest.raises(BadInput, match="was written by another version of inpaint-bench") as caught:
        OTHER_VERSIONS[kind](store)
    assert "damaged" not in str(caught.value)


def test_record_of_an_older_version_is_read(store: Store) -> None:
    def drop_new_fields(record: dict) -> None:
        for name in ("version", "earlier", "skipped"):
            del record[name]
        del record["entries"][0]["missing"]

    change_run(drop_new_fields)(store)
    assert replace(stored(store), version=__version__) == run_of("1", a=("done",))
    assert stored(store).version == ""


def test_version_is_named_if_it_is_recorded(store: Store) -> None:
    with pytest.raises(BadInput, match=r"another version of inpaint-bench, 9\.1, .*protocol\.antialias"):
        change_run(lambda record: (record.update(version="9.1"), record["protocol"].update(antialias=True)))(store)


def test_damage_is_still_called_damage(store: Store, tmp_path: Path) -> None:
    path = store.write_run(run_of("1", a=("done",))) / "run.json"
    path.write_text(path.read_text().replace("photos", "images"))
    with pytest.raises(BadInput, match="is damaged"):
        read_runs(store.root)
