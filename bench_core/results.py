"""What a finished run leaves for its user: tables in every format, one picture, and the table on the terminal."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench_core import files
from bench_core.plugins import Plugins
from bench_core.progress import console as aside
from bench_core.specs import resolve
from bench_core.store import Run, Store
from bench_core.terminal import console


def publish(plugins: Plugins, store: Store, run: Run, folder: Path, beside: Sequence[Run] = ()) -> dict[str, Any]:
    """Write the tables and the picture beside the run's record, and print the table, in it also runs `beside`.

    Returns:
        The same for programs.
    """
    (table,) = resolve("bench_reports.table:build")(store, [*beside, run], plugins.records("metrics"))
    for report in plugins.records("reports").values():
        files.write_bytes(folder / f"table{report.suffix}", resolve(report.write)(table))
    picture = resolve("bench_reports.grid:grid")(store, run)
    if picture:
        files.write_bytes(folder / "grid.png", picture)
    out = console()
    resolve("bench_reports.terminal:show")(table, out)
    out.print(
        f"Stored in {folder}: table.md, table.tex, ..." + (" and grid.png" if picture else ""),
        markup=False,
        soft_wrap=True,
    )
    return _record(store, run, folder) | {"table": resolve("bench_reports.data:record")(table)}


def _record(store: Store, run: Run, folder: Path) -> dict[str, Any]:
    """What became of a run."""
    told = ("method", "variant", "seed", "state", "reason", "refused", "remarks")
    cells = [
        {key: getattr(entry, key) for key in told} | {"folder": store.folder(entry).path if entry.folder else None}
        for entry in run.entries
    ]
    protocol = {"name": run.protocol.name, "hash": run.protocol.hash}
    facts = {"created": run.created, "num_pairs": run.num_pairs, "missing": run.missing, "skipped": run.skipped}
    return {"run": folder, "protocol": protocol, **facts, "cells": cells}


def tell_failures(store: Store, run: Run) -> int:
    """Print which cells failed, why, and where more stands; returns how many."""
    failed = [entry for entry in run.entries if entry.state == "failed"]
    if failed:
        aside.print(f"{len(failed)} of {len(run.entries)} cells failed; repeating the command tries them again:")
    for entry in failed:
        logs = [path for name in ("failure.txt", "log.txt") if (path := store.folder(entry).path / name).exists()]
        aside.print(f"  {entry.title}: {entry.reason}", *logs, sep="\n    ", markup=False, soft_wrap=True)
    return len(failed)
