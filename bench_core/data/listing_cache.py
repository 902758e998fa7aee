"""Tables about files, cached across runs in your cache folder. Deleting it costs time only."""

import json
import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from bench_core.seeds import digest
from bench_core.system import files

MIN_FILES_TO_CACHE = 10_000
"""Tables about fewer files are not cached: they are quick to make."""
SETTLE_SECONDS = 2.0
"""A file that changed more recently is not cached. The clocks of some file systems are this coarse."""


def folder() -> Path:
    """Return the cache folder: ``BENCH_CACHE``, or ``~/.cache/inpaint-bench``."""
    given = os.environ.get("BENCH_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "inpaint-bench"


def stamp(path: Path | str, began: float | None = None) -> str | None:
    """Return a text that changes with a file or folder: its size, modification time and change time.

    Users can set the modification time back, but not the change time.

    Args:
        began: time at which you began to read the file, in seconds since the epoch; now if left out.

    Returns:
        None if the file is missing, or if it changed so recently that a further change might not show.
    """
    try:
        state = os.stat(path)
    except OSError:
        return None
    if state.st_ctime_ns / 1e9 > (time.time() if began is None else began) - SETTLE_SECONDS:
        return None
    return f"{state.st_size} {state.st_mtime_ns} {state.st_ctime_ns}"


def load(kind: str, *key: str) -> pa.Table | None:
    """Load the table cached under a key. Return None if there is none or one of its sources changed."""
    try:
        table = pa.ipc.open_file(pa.memory_map(str(_path(kind, *key)))).read_all()
        table.validate(full=True)
        stamps = json.loads(table.schema.metadata[b"stamps"])
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None
    return table if all(stamp(path) == known for path, known in stamps.items()) else None


def save(table: pa.Table, sources: Iterable[Path | str], began: float, kind: str, *key: str) -> None:
    """Cache a table until one of the files or folders that it was made from changes.

    Args:
        began: time at which you began to read the sources, in seconds since the epoch.
    """
    stamps = {os.path.abspath(path): stamp(path, began) for path in sources}
    if None not in stamps.values():
        stamped = table.replace_schema_metadata({**(table.schema.metadata or {}), "stamps": json.dumps(stamps)})
        with suppress(OSError):  # a run must not fail because its cache cannot be written
            files.write(_path(kind, *key), lambda temporary: _write(temporary, stamped))


def _path(kind: str, *key: str) -> Path:
    return folder() / kind / f"{digest(key)[:16]}.arrow"


def _write(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
