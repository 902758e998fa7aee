"""Folder locks: one owner at a time, takeover of stale locks and of dead owners, no trust in a machine's clock."""

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from errno import ENOSPC
from pathlib import Path
from threading import Event

import pandas as pd
import pytest
from click.testing import Result

from bench_core.errors import BadInput
from bench_core.store import lock
from bench_core.store.lock import LOCK_NAME, STALE_SECONDS, LockOwner, folder_lock, lock_owner
from bench_core.store.store import read_runs


def left_behind(folder: Path, age: float, **owner: str | int) -> Path:
    """Write a lock of an owner that is gone, whose last heartbeat was `age` seconds ago."""
    folder.mkdir(exist_ok=True)
    (folder / LOCK_NAME).write_text(json.dumps(asdict(LockOwner(**{"host": "elsewhere", "pid": 1, **owner}))))  # type: ignore[arg-type]
    then = time.time() - age
    os.utime(folder / LOCK_NAME, (then, then))
    return folder / LOCK_NAME


def test_a_lock_is_exclusive_until_it_is_released(tmp_path: Path):
    with folder_lock(tmp_path) as first:
        assert first and lock_owner(tmp_path) is not None
        with folder_lock(tmp_path) as second:
            assert not second
        assert (tmp_path / LOCK_NAME).exists()
    assert lock_owner(tmp_path) is None and not list(tmp_path.iterdir())
    with pytest.raises(RuntimeError), folder_lock(tmp_path):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("age", "free"), [(STALE_SECONDS - 60, False), (STALE_SECONDS + 60, True)])
def test_a_lock_without_heartbeat_is_taken_over(tmp_path: Path, age: float, free: bool):
    left_behind(tmp_path, age)
    assert (lock_owner(tmp_path) is None) is free
    with folder_lock(tmp_path) as ours:
        assert ours is free
        assert (json.loads((tmp_path / LOCK_NAME).read_text())["pid"] == os.getpid()) is free
    assert len(list(tmp_path.iterdir())) == (0 if free else 1)


@pytest.fixture
def dead() -> int:
    """Return the number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize(("host", "free"), [(LockOwner().host, True), ("elsewhere", False)])
def test_a_dead_process_of_this_machine_loses_its_lock_at_once(tmp_path: Path, dead: int, host: str, free: bool):
    left_behind(tmp_path, 0, host=host, pid=dead)
    with folder_lock(tmp_path) as ours:
        assert ours is free


def test_a_container_counts_as_another_machine(tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch):
    left_behind(tmp_path, 0, host=LockOwner().host, pid=dead)
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[of another container]")
    with folder_lock(tmp_path) as ours:
        assert not ours


def test_a_process_that_may_not_be_signalled_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    left_behind(tmp_path, 0, host=LockOwner().host)
    monkeypatch.setattr(os, "kill", refused)
    with folder_lock(tmp_path) as ours:
        assert not ours


@pytest.mark.parametrize("text", ['{"host": "else', '{"machine": "from another version"}'])
def test_a_broken_lock_file_locks_until_it_is_stale(tmp_path: Path, text: str):
    for age in (0, STALE_SECONDS + 60):
        path = left_behind(tmp_path, age)
        then = path.stat().st_mtime
        path.write_text(text)
        os.utime(path, (then, then))
        with folder_lock(tmp_path) as ours:
            assert ours is (age > 0)


def test_the_machines_clock_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left_behind(tmp_path, 0)
    later = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: later)
    with folder_lock(tmp_path) as ours:
        assert not ours


def test_the_heartbeat_touches_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.01)
    with folder_lock(tmp_path):
        os.utime(tmp_path / LOCK_NAME, (0, 0))
        deadline = time.monotonic() + 20
        while (tmp_path / LOCK_NAME).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lock_owner(tmp_path) is not None


def send_heartbeats(path: Path, owner: LockOwner, monkeypatch: pytest.MonkeyPatch, times: int = 2) -> None:
    released = Event()
    answers = iter([False] * times + [True])
    monkeypatch.setattr(released, "wait", lambda seconds: next(answers))
    lock._send_heartbeats(path, owner, released)


def test_the_heartbeat_continues_after_the_file_system_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = left_behind(tmp_path, STALE_SECONDS + 60)
    outcomes, real = iter([OSError("away"), None]), os.utime

    def touched(path: Path) -> None:
        if error := next(outcomes):
            raise error
        real(path)

    monkeypatch.setattr(os, "utime", touched)
    send_heartbeats(path, LockOwner(**json.loads(path.read_text())), monkeypatch)
    assert lock_owner(tmp_path) is not None


def test_the_heartbeat_touches_no_other_owners_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = left_behind(tmp_path, STALE_SECONDS + 60)
    send_heartbeats(path, LockOwner(), monkeypatch)
    assert lock_owner(tmp_path) is None


def test_a_lock_that_is_released_meanwhile_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def gone(path: Path) -> float:
        raise FileNotFoundError

    left_behind(tmp_path, STALE_SECONDS + 60)
    monkeypatch.setattr(lock.files, "seconds_since_change", gone)
    with folder_lock(tmp_path) as ours:
        assert not ours


def test_the_first_owner_does_not_release_a_lock_that_was_taken_over(tmp_path: Path):
    with folder_lock(tmp_path):
        left_behind(tmp_path, 0)
    assert lock_owner(tmp_path) is not None


def test_a_stale_lock_that_was_replaced_in_between_is_not_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left_behind(tmp_path, STALE_SECONDS + 60)

    def replaced(path: Path, owner: LockOwner) -> bool:
        left_behind(tmp_path, 0)
        return True

    monkeypatch.setattr(lock, "_is_stale", replaced)
    with folder_lock(tmp_path) as ours:
        assert not ours
    assert len(list(tmp_path.iterdir())) == 1


def race(folder: Path, rounds: int, barrier, found) -> None:
    """Try to take over the stale lock of every round, and report each success."""
    for number in range(rounds):
        barrier.wait()
        with folder_lock(folder / str(number)) as ours:
            if ours:
                found.put(number)
            barrier.wait()  # nobody releases before all have tried


def test_exactly_one_of_many_processes_takes_over_a_stale_lock(tmp_path: Path):
    rounds, context = 40, multiprocessing.get_context("fork")
    for number in range(rounds):
        left_behind(tmp_path / str(number), STALE_SECONDS + 60)
    barrier, found = context.Barrier(6), context.Queue()
    racers = [context.Process(target=race, args=(tmp_path, rounds, barrier, found)) for _ in range(6)]
    for racer in racers:
        racer.start()
    taken = sorted(found.get(timeout=60) for _ in range(rounds))
    for racer in racers:
        racer.join()
    assert taken == list(range(rounds)) and found.empty()


@pytest.mark.long
def test_two_runs_on_one_store_train_every_cell_once(
    bench: Callable[..., Result], tmp_path: Path, protocol: Path, photographs: Path
):
    asked = ["--plugins", "pconv", "--seeds", "0,1", "--metrics", "l1", "--steps", "30"]
    world = ["--protocol", str(protocol), "--data", str(photographs), "--device", "cpu", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "bench_core", "run", *asked, *world]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    messages = [run.communicate(timeout=300)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], messages
    for seed in (0, 1):
        assert sum(f"training pconv, seed {seed}: 30/30" in text for text in messages) == 1, messages
    store, (run,) = read_runs(tmp_path / "out")
    assert {entry.state for entry in run.entries} == {"done"}
    bench(*asked, out="alone")
    other, (alone,) = read_runs(tmp_path / "alone")
    pd.testing.assert_frame_equal(store.rows(run), other.rows(alone), check_exact=True)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name.startswith((".", LOCK_NAME))]


def test_a_lock_that_cannot_be_written_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lock.json, "dump", full)
        with pytest.raises(BadInput, match="No space left"), lock.folder_lock(tmp_path):
            pass
    with lock.folder_lock(tmp_path) as ours:
        assert ours
