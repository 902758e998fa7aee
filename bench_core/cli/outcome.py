"""Prints the outcome of a run, and builds its JSON record."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench_core.plugins import Plugins
from bench_core.store.store import Run, Store
from bench_core.system.progress import console

FIELDS = ("method", "variant", "seed", "state", "reason", "refused", "notes")


def publish(plugins: Plugins, store: Store, run: Run, folder: Path, beside: Sequence[Run] = ()) -> dict[str, Any]:
    """Let plugins write and print tables of a run. Return the run's record for ``--json``."""
    cells = [
        {key: getattr(entry, key) for key in FIELDS}
        | {"remarks": entry.notes, "folder": store.folder(entry).path if entry.folder else None}
        for entry in run.entries
    ]
    protocol = {"name": run.protocol.name, "hash": run.protocol.hash}
    facts = {"created": run.created, "num_pairs": run.num_pairs, "missing": run.missing, "skipped": run.skipped}
    reported = plugins.publish(store=store, run=run, folder=folder, beside=beside)
    return {"run": folder, "protocol": protocol, **facts, "cells": cells, **reported}


def print_failures(store: Store, run: Run) -> int:
    """Print the failed cells with their reasons and logs. Return their number."""
    failed = [entry for entry in run.entries if entry.state == "failed"]
    if failed:
        console.print(f"{len(failed)} of {len(run.entries)} cells failed; repeat the command to try them again:")
    for entry in failed:
        logs = [path for name in ("failure.txt", "log.txt") if (path := store.folder(entry).path / name).exists()]
        console.print(f"  {entry.title}: {entry.reason}", *logs, sep="\n    ", markup=False, soft_wrap=True)
    return len(failed)
