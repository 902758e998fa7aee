"""Folder locks: of several processes, on one machine or many, only one works on a folder at a time.

A lock is a file that is created atomically and touched every few seconds, its heartbeat. A lock without heartbeat is
stale, and one of the processes that find it takes it over. Only the file system is involved, which may be a network's.
Ages are measured by its clock, never by a machine's, since clocks of machines differ.
"""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from bench_core.errors import BadInput
from bench_core.system import files
from bench_core.system.processes import is_running, machine_name

LOCK_NAME = "claim.json"
HEARTBEAT_SECONDS = 5.0
STALE_SECONDS = 120.0
"""Seconds without heartbeat until a lock is stale. Clients of a network file system may see one a minute late."""


@dataclass(frozen=True)
class LockOwner:
    """Process that holds a lock."""

    host: str = field(default_factory=machine_name)
    pid: int = field(default_factory=os.getpid)
    token: str = field(default_factory=lambda: uuid4().hex)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.partition(' ')[0]}"

    @property
    def is_dead(self) -> bool:
        """The process is known to have ended. Processes of other machines are never known to."""
        return self.host == machine_name() and not is_running(self.pid)


class LockLost(BadInput):
    """Another process has taken over a folder that this one had locked."""


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Lock a folder while the block runs. Yields False, without waiting, if another process holds the lock.

    A process that is suspended for long loses its lock to another. `require_lock` notices that before every write.
    """
    path, me, released = folder / LOCK_NAME, LockOwner(), threading.Event()
    if not _acquire(path, me):
        yield False
        return
    heartbeat = threading.Thread(target=_send_heartbeats, args=(path, me, released), daemon=True)
    heartbeat.start()
    _held[folder] = me
    try:
        yield True
    finally:
        del _held[folder]
        released.set()
        heartbeat.join()
        if _read_owner(path) == me:
            path.unlink()


_held: dict[Path, LockOwner] = {}
"""Locks of this process by folder."""


def require_lock(folder: Path) -> None:
    """Check that this process has not lost the lock of a folder. A folder that it never locked passes.

    Raises:
        LockLost: another process owns it now.
    """
    me, path = _held.get(folder), folder / LOCK_NAME
    if me and (owner := _read_owner(path)) != me:
        raise LockLost(f"{folder} was taken over by {owner or 'another process'} while this one was suspended.")


def lock_owner(folder: Path) -> LockOwner | None:
    """Return the owner of a folder's lock; None if it is unlocked or the lock is stale."""
    owner = _read_owner(folder / LOCK_NAME)
    return None if owner is None or _is_stale(folder / LOCK_NAME, owner) else owner


def _acquire(path: Path, me: LockOwner) -> bool:
    if _create(path, me):
        return True
    owner = _read_owner(path)
    if owner is None or not _is_stale(path, owner):
        return False
    # Of all processes that see this lock stale, the one that gets a second lock replaces it. Reading the owner again
    # under the second lock leaves a lock alone that was replaced in between.
    takeover = path.with_name(f"{path.name}.{owner.token}")
    if not _acquire(takeover, me):
        return False
    try:
        if unchanged := _read_owner(path) == owner:
            files.write_json(path, asdict(me))
        return unchanged
    finally:
        takeover.unlink(missing_ok=True)


def _create(path: Path, me: LockOwner) -> bool:
    with files.translate_os_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("x", encoding="utf-8")
        except FileExistsError:
            return False
        try:
            with file:
                json.dump(asdict(me), file)
        except OSError:
            path.unlink()  # or it would pass for the lock of another process
            raise
    return True


def _read_owner(path: Path) -> LockOwner | None:
    """Return the owner; None without a lock. A lock that is half-written has an unknown owner."""
    try:
        return LockOwner(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return LockOwner("unknown", 0, "unknown")


def _is_stale(path: Path, owner: LockOwner) -> bool:
    try:
        age = files.seconds_since_change(path)
    except FileNotFoundError:
        return False  # it was released in this moment
    return owner.is_dead or age > STALE_SECONDS


def _send_heartbeats(path: Path, me: LockOwner, released: threading.Event) -> None:
    while not released.wait(HEARTBEAT_SECONDS):
        try:
            if _read_owner(path) != me:
                return
            os.utime(path)
        except OSError:  # the file system is away for a moment; if it stays away the lock becomes stale
            continue
