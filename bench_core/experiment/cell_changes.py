"""Explains why a cell is trained although the same method was trained before, with equal seed and protocol."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bench_core.errors import BadInput
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import Store
from bench_core.system import files

CHANGEABLE = ("inpaint-bench", "plugin_version", "sources", "libraries", "images", "normalised_together")
"""Entries of a key that users change without asking for another training: code, libraries, data and machine."""
TITLES = {"images": "training images", "normalised_together": "micro-batch"}


def why_trained_again(store: Store, cell: CellFolder) -> str:
    """Return what changed since an earlier cell that is otherwise the same, as a sentence; "" if there is none."""
    now = json.loads(files.json_bytes(cell.identity))  # with lists in place of tuples, as in a stored key
    for path in sorted((store.root / "cells").glob("*/provenance/training.json")):
        name = path.parents[1].name
        if name != cell.path.name and _request(earlier := identity(name, store)) == _request(now):
            changed = ", ".join(changes(earlier, now))
            return f"{cell.path.name} is trained again, because of changes since {name}: {changed}."
    return ""


def identity(name: str, store: Store) -> dict[str, Any]:
    """Return the key of a stored cell; empty if it is unreadable."""
    try:
        return CellFolder(store.root / "cells" / name, {}).read_record("identity")
    except BadInput:
        return {}


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Name the sources, libraries and other entries in which two keys differ."""
    for entry in CHANGEABLE:
        one, other = before.get(entry), now.get(entry)
        if one == other:
            continue
        if entry in TITLES or not (isinstance(one, Mapping) and isinstance(other, Mapping)):
            yield TITLES.get(entry, entry)
        else:
            yield from sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _request(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in CHANGEABLE}
