"""Laws of trainings that start again: the reason is printed, and no row mixes two networks."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cell_setup import (
    BASE,
    Setup,
    validated,
)
from support.cli import call

from bench_core.experiment.cell_changes import why_trained_again
from bench_core.store import rows as rows_file
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import Store
from bench_core.system import sources


def test_a_training_that_starts_again_says_what_changed(store: Store):
    earlier, now = Setup().key(), Setup(images=validated(4)).key()
    now = {
        **now,
        "normalised_together": 1,
        "libraries": {**now["libraries"], "torch": "99"},
        "sources": {**now["sources"], "bench_core/nn": "x"},
    }
    for key in (earlier, Setup(seed=1).key(), Setup(protocol=BASE.model_copy(update={"steps": 9})).key()):
        store.cell(key).prepare()
        store.cell(key).write_provenance("training", {})
    assert why_trained_again(store, store.cell(earlier)) == ""
    said = why_trained_again(store, store.cell(now))
    assert store.cell(earlier).path.name in said and said.endswith(
        ": bench_core/nn, torch, training images, micro-batch."
    )


def test_a_training_removes_what_earlier_weights_measured(bench: Callable, tmp_path: Path):
    """Weights that are gone are trained again, and no row mixes two networks."""
    bench("--plugins", "gated", "--no-baselines", "--metrics", "l1", "--steps", "1")
    (weights,) = tmp_path.glob("out/cells/*/weights.safetensors")
    rows = [CellFolder(weights.parent, {}).rows_path(path.stem) for path in weights.parent.glob("rows/*.parquet")]
    weights.unlink()
    for path in rows:
        frame = rows_file.read(path)
        rows_file.write(path, frame.assign(value=0.5))
    assert "were gone" in bench("--plugins", "gated", "--no-baselines", "--metrics", "l1,l2", "--steps", "1").output
    for path in rows:
        frame = rows_file.read(path)
        assert set(frame["metric"]) == {"l1@full", "l2@full"} and not (frame["value"] == 0.5).any()


def test_a_stored_cell_lists_its_sources_and_what_changed_since(store: Store, monkeypatch: pytest.MonkeyPatch):
    cell = store.cell(Setup().key())
    cell.prepare()
    assert "changed" not in call("show", "--cell", str(cell.path)).output
    installed = sources._version
    monkeypatch.setattr(sources, "_version", lambda each: "99" if each == "torch" else installed(each))
    assert json.loads(call("show", "--cell", str(cell.path), "--json").stdout)["changed"] == ["torch"]
    assert call("show", "--cell", str(store.root), code=2) and call("show", code=2)
