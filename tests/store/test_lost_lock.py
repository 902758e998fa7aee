"""A process that lost its lock, or was killed, leaves nothing that another one stumbles over."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bench_core.store.cell_folder import CellFolder
from bench_core.store.lock import LOCK_NAME, LockLost, LockOwner, folder_lock, lock_owner
from bench_core.store.rows import as_rows
from bench_core.system import files
from bench_core.training.log import Log


@pytest.fixture
def dead() -> int:
    """Return the number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def test_a_process_that_lost_its_lock_writes_no_more(tmp_path: Path):
    """As after a suspension: another process trains the cell now, and its log has one writer."""
    folder = CellFolder(tmp_path, {"variant": "m"})
    rows, log = as_rows([]), Log(tmp_path / "training.jsonl", lambda step, values: None)
    writes: list[Callable[[], object]] = [
        folder.prepare,
        lambda: folder.add_rows("id", rows),
        lambda: folder.write_features("id", {}),
        lambda: folder.write_provenance("id", {}),
        lambda: folder.add_curve_point(1, "center", {}),
        lambda: folder.write_failure("why"),
        folder.remove_evaluations,
        lambda: log.note(1, {}),
        lambda: log.begin(0),
    ]
    with folder_lock(tmp_path) as ours:
        assert ours
        for write in writes:
            write()
        before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != LOCK_NAME}
        (tmp_path / LOCK_NAME).write_text(json.dumps(asdict(LockOwner())))
        for write in writes:
            with pytest.raises(LockLost, match="taken over"):
                write()
        after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != LOCK_NAME}
        assert after == before
    assert lock_owner(tmp_path)  # the other process's lock stays
    folder.prepare()  # a command that takes no lock is not concerned


def test_a_killed_commands_temporary_files_are_removed_by_the_next_one(tmp_path: Path, dead: int):
    def left(pid: int, machine: str = files._MACHINE) -> Path:
        path = tmp_path / f"{files._TEMPORARY_PREFIX}{machine}-{pid}-abc.png"
        path.touch()
        return path

    mine, others, gone, elsewhere = left(os.getpid()), left(1), left(dead), left(dead, "0" * 8)
    files._remove_abandoned.cache_clear()
    files.write_bytes(tmp_path / "result.png", b"x")
    assert mine.exists() and others.exists() and elsewhere.exists() and not gone.exists()
