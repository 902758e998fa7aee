"""Atomic file writes: a reader finds the old file or the new one, never half of one."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from bench_core.errors import BadInput
from bench_core.system.processes import is_running, machine_name

_TEMPORARY_PREFIX = ".half-written-"
_MACHINE = hashlib.sha256(machine_name().encode()).hexdigest()[:8]


class WriteError(BadInput, OSError):
    """Refusal of the system to write a file, for instance because the disk is full."""


def write(path: Path, fill: Callable[[Path], Any]) -> None:
    """Let `fill` write a temporary file beside `path`, flush it to disk, and rename it to `path`.

    Raises:
        WriteError: the system refuses to write. A previous file at `path` is unchanged.
    """
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(path.parent)
        prefix = f"{_TEMPORARY_PREFIX}{_MACHINE}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        fill(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except Exception as error:
        os_error = error if isinstance(error, OSError) else _hidden_os_error(temporary)
        if os_error is None:
            raise
        raise _write_error(path, os_error) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """Raise WriteError in place of an OSError, for code that does not go through `write`."""
    try:
        yield
    except OSError as error:
        raise _write_error(path, error) from error


def _hidden_os_error(temporary: Path) -> OSError | None:
    """Try to write once more, since libraries hide the system's error in errors of their own."""
    try:
        with temporary.open("ab") as file:
            file.write(bytes(2**20))
    except OSError as error:
        return error
    return None


def _write_error(path: Path, error: OSError) -> WriteError:
    reason = error.strerror or error
    return WriteError(f"{path} cannot be written ({reason}). Fix this and repeat the same command.")


def remove_temporary_files(folder: Path, unchanged_for: float = 0.0) -> None:
    """Remove temporary files of killed processes below `folder`.

    Args:
        unchanged_for: minimum age in seconds; 0 if no other process writes in this folder.
    """
    for path in folder.rglob(f"{_TEMPORARY_PREFIX}*"):
        with suppress(FileNotFoundError):
            if not unchanged_for or seconds_since_change(path) > unchanged_for:
                path.unlink()


@cache
def _remove_abandoned(folder: Path) -> None:
    """Remove temporary files that killed processes of this machine left in a folder. Once in a process."""
    for path in folder.glob(f"{_TEMPORARY_PREFIX}{_MACHINE}-*"):
        pid = path.name.removeprefix(f"{_TEMPORARY_PREFIX}{_MACHINE}-").partition("-")[0]
        if pid.isdecimal() and not is_running(int(pid)):
            path.unlink(missing_ok=True)


def seconds_since_change(path: Path) -> float:
    """Return the age of a file's last change by the clock of its file system, which may be another machine's.

    Raises:
        FileNotFoundError: the file no longer exists.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".now-") as now:
        return os.fstat(now.fileno()).st_mtime - path.stat().st_mtime


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes atomically. Raises WriteError."""
    write(path, lambda temporary: temporary.write_bytes(content))


def write_json(path: Path, value: Any) -> None:
    """Write a JSON value atomically. Raises WriteError."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """Encode a value as indented JSON with a final newline."""
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's content in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_writable_folder(path: Path) -> Path:
    """Create a folder if needed, check that files can be written there, and return it.

    Raises:
        BadInput: the folder cannot be created or written to.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise BadInput(
            f"The folder {path} cannot be written to ({error.strerror}). Choose another with --out."
        ) from error
