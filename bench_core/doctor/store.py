"""Verifies that a store is complete and every file in it is readable."""

import json
from collections.abc import Iterator
from pathlib import Path

from safetensors import safe_open

from bench_core.doctor import Finding
from bench_core.errors import BadInput
from bench_core.metrics import select_metrics
from bench_core.plugins import Plugins
from bench_core.store import checksum
from bench_core.store.cell_folder import CellFolder
from bench_core.store.lock import LOCK_NAME, lock_owner
from bench_core.store.store import Run, Store, read_runs
from bench_core.system import files

REPEAT = "repeat the `bench run` that wrote it"


def verify(root: Path) -> Iterator[Finding]:
    """Verify a store. Every fault comes with advice.

    Raises:
        BadInput: The folder is no store.
    """
    if not (root / "runs").is_dir():
        raise BadInput(f"{root} is no store: give the folder that `bench run` wrote to (--out).")
    metrics = Plugins.all().records("metrics")  # plugins may define metrics
    for folder in sorted((root / "runs").glob("*/")):
        try:
            store, (run,) = read_runs(folder)
        except BadInput as error:
            yield Finding("runs", f"{folder.name} cannot be read", str(error))
        else:
            wanted = [metric.definition for metric in select_metrics(run.protocol.metrics, metrics)]
            yield from _check_run(store, run, folder, [name for name in wanted if name not in run.missing])
    for cell in [*sorted((root / "cells").glob("*/")), root / "truth"]:
        yield from _check_cell(cell)
    yield from _find_leftovers(root)


def _check_run(store: Store, run: Run, folder: Path, metrics: list[str]) -> Iterator[Finding]:
    states = [entry.state for entry in run.entries]
    counts = ", ".join(f"{states.count(state)} {state}" for state in dict.fromkeys(states))
    yield Finding("runs", f"{folder.name}: {counts}")
    for entry in run.entries:
        for name, evaluation_id in entry.evaluation_ids.items() if entry.state == "done" else ():
            if fault := _faulty_rows(store.folder(entry), evaluation_id, metrics, run.num_pairs):
                yield Finding("rows", f"{entry.title} on {name}: {fault}", f"{REPEAT}: {folder.name}.")


def _faulty_rows(cell: CellFolder, evaluation_id: str, metrics: list[str], num_pairs: int) -> str:
    try:
        rows = cell.rows(evaluation_id)
    except (OSError, ValueError) as error:
        return f"cannot be read ({error})"
    if (rows["value"].isna() & (rows["region"] == "full")).any():  # other regions may be empty
        return "some values are missing"
    counts = rows.groupby("metric", observed=True)["image"].agg(["size", "nunique", "first"])
    for metric in metrics:
        if metric not in counts.index:
            return f"no rows of {metric}"
        size, num_images, first = counts.loc[metric]
        wanted = 1 if first == "*" else num_pairs  # "*" marks a metric of the whole set
        if size != num_images or size != wanted:
            return f"{size} rows of {num_images} images for {metric}, not {wanted}"
    return ""


def _check_cell(cell: Path) -> Iterator[Finding]:
    for path in sorted(path for path in cell.rglob("*") if path.is_file() and not path.name.startswith(".")):
        try:
            _read(path)
        except Exception as error:  # readers raise many kinds of errors on damaged files
            advice = f"delete {path} and {REPEAT}."
            yield Finding("cells", f"{path.relative_to(cell.parent)} cannot be read ({error})", advice)
    training, weights = cell / "provenance" / "training.json", cell / "weights.safetensors"
    if weights.exists() and training.exists() and f'"{files.sha256(weights)}"' not in training.read_text():
        advice = f"delete the folder {cell} and {REPEAT}."
        yield Finding("cells", f"{cell.name} has other weights than those that were trained", advice)


def _read(path: Path) -> None:
    if path.suffix == ".json" and path.name != LOCK_NAME:
        json.loads(path.read_text(encoding="utf-8"))
    elif path.suffix == ".parquet" or path.name == "curves.jsonl" or path.parent.name in ("features", "truth"):
        checksum.read(path)
    elif path.suffix == ".safetensors":
        with safe_open(path, framework="np") as file:
            file.keys()


def _find_leftovers(root: Path) -> Iterator[Finding]:
    cells = sorted(path.parent for path in (root / "cells").glob(f"*/{LOCK_NAME}"))
    owners = [lock_owner(cell) for cell in cells]
    for cell, owner in zip(cells, owners, strict=True):
        if owner:
            yield Finding("locks", f"{cell.name}: {owner} works on it")
        else:
            yield Finding("locks", f"{cell.name}: its owner has ended", f"{REPEAT}, which resumes it.")
    if any(owners):
        return  # temporary files may be in use
    for path in sorted(path for path in root.rglob(".*") if path.is_file()):
        yield Finding("files", f"{path.relative_to(root)} was never finished", f"delete {path}.")
