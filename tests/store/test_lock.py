"""Laws of claims: one process works on a folder at a time, a dead one's work is taken over, and no clock is trusted."""

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
from bench_core.store.lock import NAME, STALE_SECONDS, LockOwner, folder_lock, lock_owner
from bench_core.store.store import read_runs


def left_behind(folder: Path, age: float, **owner: str | int) -> Path:
    """A claim whose owner is gone; older than the file system's present by `age` seconds."""
    folder.mkdir(exist_ok=True)
    (folder / NAME).write_text(json.dumps(asdict(LockOwner(**{"host": "elsewhere", "pid": 1, **owner}))))  # type: ignore[arg-type]
    then = time.time() - age
    os.utime(folder / NAME, (then, then))
    return folder / NAME


def test_a_claim_holds_until_it_is_given_back(tmp_path: Path):
    with folder_lock(tmp_path) as first:
        assert first and lock_owner(tmp_path) is not None
        with folder_lock(tmp_path) as second:
            assert not second
        assert (tmp_path / NAME).exists()
    assert lock_owner(tmp_path) is None and not list(tmp_path.iterdir())
    with pytest.raises(RuntimeError), folder_lock(tmp_path):
        raise RuntimeError
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("age", "free"), [(STALE_SECONDS - 60, False), (STALE_SECONDS + 60, True)])
def test_a_claim_without_a_heartbeat_is_taken_over(tmp_path: Path, age: float, free: bool):
    left_behind(tmp_path, age)
    assert (lock_owner(tmp_path) is None) is free
    with folder_lock(tmp_path) as ours:
        assert ours is free
        assert (json.loads((tmp_path / NAME).read_text())["pid"] == os.getpid()) is free
    assert len(list(tmp_path.iterdir())) == (0 if free else 1)


@pytest.fixture
def dead() -> int:
    """The number of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize(("host", "free"), [(LockOwner().host, True), ("elsewhere", False)])
def test_a_dead_process_of_this_machine_loses_its_claim_at_once(tmp_path: Path, dead: int, host: str, free: bool):
    left_behind(tmp_path, 0, host=host, pid=dead)
    with folder_lock(tmp_path) as ours:
        assert ours is free


def test_a_container_is_a_machine_of_its_own(tmp_path: Path, dead: int, monkeypatch: pytest.MonkeyPatch):
    left_behind(tmp_path, 0, host=LockOwner().host, pid=dead)
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[of another container]")
    with folder_lock(tmp_path) as ours:
        assert not ours


def test_a_process_that_others_may_not_signal_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(pid: int, number: int) -> None:
        raise PermissionError

    left_behind(tmp_path, 0, host=LockOwner().host)
    monkeypatch.setattr(os, "kill", refused)
    with folder_lock(tmp_path) as ours:
        assert not ours


@pytest.mark.parametrize("text", ['{"host": "else', '{"machine": "as another version told it"}'])
def test_what_cannot_be_read_is_a_claim_until_it_is_stale(tmp_path: Path, text: str):
    for age in (0, STALE_SECONDS + 60):
        path = left_behind(tmp_path, age)
        then = path.stat().st_mtime
        path.write_text(text)
        os.utime(path, (then, then))
        with folder_lock(tmp_path) as ours:
            assert ours is (age > 0)


def test_a_machines_own_clock_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    left_behind(tmp_path, 0)
    later = time.time() + 1e6
    monkeypatch.setattr(time, "time", lambda: later)
    with folder_lock(tmp_path) as ours:
        assert not ours


def test_a_heart_beats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "HEARTBEAT_SECONDS", 0.01)
    with folder_lock(tmp_path):
        os.utime(tmp_path / NAME, (0, 0))
        deadline = time.monotonic() + 20
        while (tmp_path / NAME).stat().st_mtime == 0 and time.monotonic() < deadline:
            time.sleep(0.01)
        assert lock_owner(tmp_path) is not None


def beat(path: Path, owner: LockOwner, monkeypatch: pytest.MonkeyPatch, times: int = 2) -> None:
    """What keeps a claim, for so many heartbeats."""
    done = Event()
    ending = iter([False] * times + [True])
    monkeypatch.setattr(done, "wait", lambda seconds: next(ending))
    lock._keep(path, owner, done)


def test_a_heart_beats_on_after_a_file_system_was_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = left_behind(tmp_path, STALE_SECONDS + 60)
    outcomes, real = iter([OSError("away"), None]), os.utime

    def touched(path: Path) -> None:
        if error := next(outcomes):
            raise error
        real(path)

    monkeypatch.setattr(os, "utime", touched)
    beat(path, LockOwner(**json.loads(path.read_text())), monkeypatch)
    assert lock_owner(tmp_path) is not None


def test_a_heart_beats_for_no_other_claim(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = left_behind(tmp_path, STALE_SECONDS + 60)
    beat(path, LockOwner(), monkeypatch)
    assert lock_owner(tmp_path) is None


def test_a_claim_that_is_given_back_while_it_is_looked_at_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def gone(path: Path) -> float:
        raise FileNotFoundError

    left_behind(tmp_path, STALE_SECONDS + 60)
    monkeypatch.setattr(lock.files, "age", gone)
    with folder_lock(tmp_path) as ours:
        assert not ours


def test_a_claim_that_was_taken_over_is_not_given_back_by_its_first_owner(tmp_path: Path):
    with folder_lock(tmp_path):
        left_behind(tmp_path, 0)
    assert lock_owner(tmp_path) is not None


def test_a_claim_that_was_replaced_after_it_was_seen_stale_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    left_behind(tmp_path, STALE_SECONDS + 60)

    def replaced(path: Path, owner: LockOwner) -> bool:
        left_behind(tmp_path, 0)
        return True

    monkeypatch.setattr(lock, "_stale", replaced)
    with folder_lock(tmp_path) as ours:
        assert not ours
    assert len(list(tmp_path.iterdir())) == 1


def race(folder: Path, rounds: int, barrier, found) -> None:
    """Of every round's stale claim, how many were taken."""
    for number in range(rounds):
        barrier.wait()
        with folder_lock(folder / str(number)) as ours:
            if ours:
                found.put(number)
            barrier.wait()  # nobody gives back before all have tried


def test_of_many_that_find_a_stale_claim_one_takes_it(tmp_path: Path):
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


def test_two_runs_on_one_store_do_every_cell_once(
    bench: Callable[..., Result], tmp_path: Path, protocol: Path, photographs: Path
):
    asked = ["--plugins", "pconv", "--seeds", "0,1", "--metrics", "l1", "--steps", "30"]
    world = ["--protocol", str(protocol), "--data", str(photographs), "--device", "cpu", "--out", str(tmp_path / "out")]
    command = [sys.executable, "-m", "bench_core", "run", *asked, *world]
    runs = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [run.communicate(timeout=300)[1] for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    for seed in (0, 1):
        assert sum(f"training pconv, seed {seed}: 30/30" in each for each in said) == 1, said
    store, (run,) = read_runs(tmp_path / "out")
    assert {entry.state for entry in run.entries} == {"done"}
    bench(*asked, out="alone")
    other, (alone,) = read_runs(tmp_path / "alone")
    pd.testing.assert_frame_equal(store.rows(run), other.rows(alone), check_exact=True)
    assert not [path for path in (tmp_path / "out").rglob("*") if path.name.startswith((".", NAME))]


def test_a_claim_that_cannot_be_written_holds_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(lock.json, "dump", full)
        with pytest.raises(BadInput, match="No space left"), lock.folder_lock(tmp_path):
            pass
    with lock.folder_lock(tmp_path) as ours:
        assert ours
