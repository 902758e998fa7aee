"""Claims: of several processes, on one machine or many, only one works on a folder at a time.

A claim is a file that is created atomically and touched every few seconds. Where the touching has ended, the claim is
stale, and one of those who find it takes it over. Nothing but the file system is asked, which may be a network's: ages
are told by its own clock, never by a machine's.
"""

import json
import os
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from uuid import uuid4

from bench_core.system import files

NAME = "claim.json"
HEARTBEAT_SECONDS = 5.0
"""Seconds between touches."""
STALE_SECONDS = 120.0
"""Seconds without a touch; clients of a network file system may see one up to a minute late."""


def _host() -> str:
    """This machine, or this container where its processes have numbers of their own."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


@dataclass(frozen=True)
class LockOwner:
    """Who holds a claim."""

    host: str = field(default_factory=_host)
    pid: int = field(default_factory=os.getpid)
    token: str = field(default_factory=lambda: uuid4().hex)

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host.partition(' ')[0]}"

    @property
    def dead(self) -> bool:
        """Whether it is known to be; of other machines nothing is known."""
        if self.host != _host():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            pass
        return False


@contextmanager
def folder_lock(folder: Path) -> Iterator[bool]:
    """Claims a folder while the block runs; yields False, and claims nothing, where somebody else has.

    A process that was stopped for so long that its claim was taken over is not told.
    """
    path, me, done = folder / NAME, LockOwner(), threading.Event()
    if not _claim(path, me):
        yield False
        return
    beat = threading.Thread(target=_keep, args=(path, me, done), daemon=True)
    beat.start()
    try:
        yield True
    finally:
        done.set()
        beat.join()
        if _owner(path) == me:
            path.unlink()


def lock_owner(folder: Path) -> LockOwner | None:
    """Who works on a folder now; None if nobody does, or its claim is stale."""
    owner = _owner(folder / NAME)
    return None if owner is None or _stale(folder / NAME, owner) else owner


def _claim(path: Path, me: LockOwner) -> bool:
    if _created(path, me):
        return True
    owner = _owner(path)
    if owner is None or not _stale(path, owner):
        return False
    # Of all who see this claim stale, the one that holds this second claim replaces it. Looking again under it leaves
    # a claim alone that has been replaced in between.
    turn = path.with_name(f"{path.name}.{owner.token}")
    if not _claim(turn, me):
        return False
    try:
        if mine := _owner(path) == owner:
            files.write_json(path, asdict(me))
        return mine
    finally:
        turn.unlink(missing_ok=True)


def _created(path: Path, me: LockOwner) -> bool:
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
            path.unlink()  # or it would be taken for somebody else's
            raise
    return True


def _owner(path: Path) -> LockOwner | None:
    """None if there is no claim. Of one that is just being written, or was never written to its end, an unknown one."""
    try:
        return LockOwner(**json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        return LockOwner("unknown", 0, "unknown")


def _stale(path: Path, owner: LockOwner) -> bool:
    try:
        age = files.age(path)
    except FileNotFoundError:
        return False  # it was given back in this moment
    return owner.dead or age > STALE_SECONDS


def _keep(path: Path, me: LockOwner, done: threading.Event) -> None:
    while not done.wait(HEARTBEAT_SECONDS):
        try:
            if _owner(path) != me:
                return
            os.utime(path)
        except OSError:  # a file system that is away for a moment; too long a moment makes the claim stale
            continue
