"""Writing files so that a reader finds the old one or the new one, never half of one."""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench_core.errors import BadInput

_TEMPORARY = ".half-written-"


class WriteError(BadInput, OSError):
    """The system refuses to write a file, for instance since the disk is full."""


def write(path: Path, fill: Callable[[Path], Any]) -> None:
    """Let `fill` write a temporary file beside `path`, bring it to disk, and rename it.

    Raises:
        Unwritable: the system refuses; what was at `path` is still there.
    """
    with translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=_TEMPORARY, suffix=path.suffix)
    os.close(handle)
    temporary = Path(name)
    try:
        fill(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except Exception as error:
        refused = error if isinstance(error, OSError) else _refusal(temporary)
        if refused is None:
            raise
        raise _unwritable(path, refused) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def translate_os_errors(path: Path) -> Iterator[None]:
    """For what does not go through `write`: the system's refusal is told as Unwritable."""
    try:
        yield
    except OSError as error:
        raise _unwritable(path, error) from error


def _refusal(temporary: Path) -> OSError | None:
    """Why the system takes no more, which libraries hide in errors of their own kind."""
    try:
        with temporary.open("ab") as file:
            file.write(bytes(2**20))
    except OSError as error:
        return error
    return None


def _unwritable(path: Path, error: OSError) -> WriteError:
    said = error.strerror or error
    return WriteError(f"{path} cannot be written ({said}); mend that and repeat the same command.")


def remove_temporary_files(folder: Path, unchanged_for: float = 0.0) -> None:
    """Remove what processes that were killed have left half-written.

    Args:
        unchanged_for: seconds that nothing was written to a file; 0 where nobody else writes in this folder.
    """
    for left in folder.rglob(f"{_TEMPORARY}*"):
        with suppress(FileNotFoundError):
            if not unchanged_for or age(left) > unchanged_for:
                left.unlink()


def age(path: Path) -> float:
    """Seconds since a file was changed, by the clock of its file system.

    Raises:
        FileNotFoundError: it has gone.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".now-") as now:
        return os.fstat(now.fileno()).st_mtime - path.stat().st_mtime


def write_bytes(path: Path, content: bytes) -> None:
    write(path, lambda temporary: temporary.write_bytes(content))


def write_json(path: Path, value: Any) -> None:
    write_bytes(path, as_json(value))


def as_json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def sha256(path: Path) -> str:
    """The digest of a file's content, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def require_writable_folder(path: Path) -> Path:
    """Make a folder and make sure that files can be written there.

    Raises:
        BadInput: they cannot.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            return path
    except OSError as error:
        raise BadInput(
            f"The folder {path} cannot be written to ({error.strerror}); give another with --out."
        ) from error
