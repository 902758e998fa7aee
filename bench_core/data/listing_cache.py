"""What was found out about files, kept for later runs in the user's cache folder. To delete it costs time only."""

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
"""Files; what fewer hold is found out in no time."""
SETTLED = 2.0
"""Seconds that must have gone by since the last change: the clocks of some file systems are as coarse as that."""


def folder() -> Path:
    """``BENCH_CACHE``, or ``~/.cache/inpaint-bench``."""
    given = os.environ.get("BENCH_CACHE")
    return Path(given).expanduser() if given else Path.home() / ".cache" / "inpaint-bench"


def place(kind: str, *key: str) -> Path:
    """Where the table of this kind lies that all parts of the key make."""
    return folder() / kind / f"{digest(key)[:16]}.arrow"


def stamp(path: Path | str, began: float | None = None) -> str | None:
    """What tells a file or folder from what it is after any change: its size and times.

    Among them is the time of the last change that the system keeps and nobody can set back.

    Args:
        began: when it was begun to be looked at, in seconds since the epoch; now if left out.

    Returns:
        None where there is no such file, or where it had only just changed, so that a further change might not show.
    """
    try:
        found = os.stat(path)
    except OSError:
        return None
    if found.st_ctime_ns / 1e9 > (time.time() if began is None else began) - SETTLED:
        return None
    return f"{found.st_size} {found.st_mtime_ns} {found.st_ctime_ns}"


def read(kind: str, *key: str) -> pa.Table | None:
    """The table that was kept under this key, None where there is none or one of its sources has changed."""
    try:
        table = pa.ipc.open_file(pa.memory_map(str(place(kind, *key)))).read_all()
        table.validate(full=True)
        stamps = json.loads(table.schema.metadata[b"stamps"])
    except (OSError, pa.ArrowException, ValueError, KeyError, TypeError):
        return None
    return table if all(stamp(path) == known for path, known in stamps.items()) else None


def write(table: pa.Table, sources: Iterable[Path | str], began: float, kind: str, *key: str) -> None:
    """Keep a table for as long as the files or folders that it was made from, since `began`, do not change."""
    stamps = {os.path.abspath(path): stamp(path, began) for path in sources}
    if None not in stamps.values():
        stamped = table.replace_schema_metadata({"stamps": json.dumps(stamps)})
        with suppress(OSError):  # a cache that cannot be written is no reason to stop
            files.write(place(kind, *key), lambda temporary: _write(temporary, stamped))


def _write(path: Path, table: pa.Table) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
