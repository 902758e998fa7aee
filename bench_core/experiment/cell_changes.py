"""Explains why a cell is trained although the store has weights of the same method, seed and protocol."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bench_core.errors import BadInput
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import Store
from bench_core.system import files

CHANGEABLE = ("inpaint-bench", "plugin_version", "sources", "libraries", "images")
"""Entries of a key that users change without asking for another training: code, libraries and data."""


def why_trained_again(store: Store, cell: CellFolder) -> str:
    """Return what changed since an earlier cell that is otherwise the same, as a sentence; "" if there is none."""
    now = json.loads(files.json_bytes(cell.identity))  # with lists in place of tuples, as in a stored key
    for path in sorted((store.root / "cells").glob("*/weights.safetensors")):
        if path.parent != cell.path and _request(earlier := identity(path.parent.name, store)) == _request(now):
            changed = ", ".join(changes(earlier, now))
            return f"{cell.path.name} is trained again, because of changes since {path.parent.name}: {changed}."
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
        if entry == "images" or not (isinstance(one, Mapping) and isinstance(other, Mapping)):
            yield {"images": "training images"}.get(entry, entry)
        else:
            yield from sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def _request(key: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in key.items() if name not in CHANGEABLE}
