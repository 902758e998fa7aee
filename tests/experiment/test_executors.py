"""Laws of executors: wherever cells run, the rows are the same, and one cell's end is never another's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pandas as pd
import pytest
import torch
from click.testing import Result
from support.installing import install

from bench_core.errors import BadInput
from bench_core.experiment.cell import Cell
from bench_core.experiment.executors import bench_executors, select
from bench_core.experiment.executors import subprocesses as local
from bench_core.experiment.executors.cell_process import how_it_ended
from bench_core.experiment.options import RunOptions
from bench_core.store.store import Run, Store, read_runs
from bench_core.system.threads import usable_cores
from bench_core.training import checkpoint

Bench = Callable[..., Result]
DOOMED = """
import os, signal, sys, time
from bench_core import Model, hookimpl
from bench_core.methods import Method

@hookimpl
def bench_models():
    names = ("killed", "crashed", "left", "whole", "doomed:late", "doomed:slow")
    return [Model(name, "T", "C", "bench_doomed:" + name.split(":")[-1]) for name in names]

class Doomed(Method):
    def __init__(self, end):
        super().__init__()
        self.end = end

    def predict(self, masked, hole):
        print("painting", file=sys.stderr)
        print("on", os.environ.get("CUDA_VISIBLE_DEVICES"), "with", os.environ.get("OMP_NUM_THREADS"))
        sys.stdout.flush()
        self.end()
        return masked

def killed(scale, channels): return Doomed(lambda: os.kill(os.getpid(), signal.SIGKILL))
def crashed(scale, channels): return Doomed(lambda: os.kill(os.getpid(), signal.SIGSEGV))
def late(scale, channels): return Doomed(lambda: time.sleep(300))
def slow(scale, channels): return Doomed(lambda: time.sleep(0.6))
def left(scale, channels): return Doomed(lambda: os._exit(0))
def whole(scale, channels): return Doomed(lambda: None)
"""


@pytest.fixture
def doomed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed plugin whose methods end their processes."""
    install("doomed", DOOMED, tmp_path / "modules", monkeypatch)


def stored(out: Path) -> tuple[Store, Run, pd.DataFrame]:
    store, runs = read_runs(out)
    return store, runs[-1], store.rows(runs[-1])


def test_processes_give_the_same_rows_and_weights(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    asked = ["--plugins", "pconv", "--seeds", "0,1", "--test-masks", "center", "--metrics", "l1"]
    bench(*asked, out="here")
    said = bench(*asked, "--executor", "local", "--jobs", "2", "--tracker", "tensorboard", out="local").output
    assert "5 of 5 cells" in said and "\n4/5 pconv, seed 0\n" in said and "\n5/5 pconv, seed 1\n" in said
    assert len(list((tmp_path / "local" / "tensorboard").iterdir())) == 5
    (_, _, here), (store, run, local) = stored(tmp_path / "here"), stored(tmp_path / "local")
    pd.testing.assert_frame_equal(here, local, check_exact=True)
    assert len(here) == 5 * 2
    weights = [sorted((tmp_path / out / "cells").glob("*/weights.safetensors")) for out in ("here", "local")]
    assert len(weights[0]) == 2
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(*weights, strict=True))
    learned = [store.folder(entry).path / "log.txt" for entry in run.entries if entry.method == "pconv"]
    assert ["training pconv, seed 0: 4/4" in log.read_text() for log in learned] == [True, False]


def cells(out: Path, pattern: str) -> list[Path]:
    return [path for path in out.glob(f"cells/*/{pattern}") if path.stat().st_size]


def soon(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), pytest.param(signal.SIGKILL, -signal.SIGKILL, marks=pytest.mark.long)]
)
def test_however_a_run_ends_its_processes_save_their_step(
    protocol: Path, photographs: Path, tmp_path: Path, number: int, code: int
):
    """By Ctrl-C, which a terminal sends to all of them, or by the death of the one that started them."""
    options = ["--protocol", protocol, "--data", photographs, "--out", tmp_path / "out", "--device", "cpu"]
    options += ["--plugins", "gated", "--no-baselines", "--executor", "local", "--steps", "100000"]
    command = [sys.executable, "-m", "bench_core", "run", *map(str, options)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            soon(lambda: process.poll() is not None or cells(tmp_path / "out", "training.jsonl"))
            (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
            assert process.wait(60) == code
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    soon(lambda: not cells(tmp_path / "out", "claim.json"))
    (saved,) = cells(tmp_path / "out", "checkpoint.pt")
    state = checkpoint.load_state(saved)
    assert state and state["step"] > 0


@pytest.mark.usefixtures("doomed")
def test_a_process_that_ends_is_a_failed_row_and_the_others_go_on(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(local, "_gpus", lambda device: ["7", "3"])
    monkeypatch.setenv("OMP_NUM_THREADS", "64")
    options = ["--plugins", "doomed", "--no-baselines", "--executor", "local", "--jobs", "4"]
    said = bench(*options, code=1).output.replace("\n", " ")
    store, run, rows = stored(tmp_path / "out")
    assert {entry.method: (entry.state, entry.reason.partition(",")[0]) for entry in run.entries} == {
        "killed": ("failed", "was killed by SIGKILL"),
        "crashed": ("failed", "was killed by SIGSEGV"),
        "left": ("failed", "ended early with exit code 0"),
        "whole": ("done", ""),
    }
    assert set(rows["method"]) == {"whole"}
    assert "3 of 4 cells failed" in said
    for entry in run.entries:
        folder = store.folder(entry).path
        assert "painting" in (folder / "log.txt").read_text()
        assert (folder / "failure.txt").exists() == (entry.state == "failed")
        assert (str(folder / "log.txt") in said) == (entry.state == "failed")
    whole = (store.folder(run.entries[3]).path / "log.txt").read_text()
    assert f"on 3 with {max(1, usable_cores() // 4)}\n" in whole, "the fourth of four places on two cards"
    crashed = store.folder(run.entries[1]).path / "log.txt"
    assert "Segmentation fault" in crashed.read_text() and "in predict" in crashed.read_text()


@pytest.mark.usefixtures("doomed")
def test_a_process_that_takes_too_long_is_ended(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    options = ["--no-baselines", "--executor", "local", "--time-limit"]
    monkeypatch.setattr(local, "LINE_SECONDS", 0)
    monkeypatch.setattr(local, "POLL_SECONDS", 0.1)
    a_minute = "1"
    said = bench("--plugins", "doomed:slow", "--test-masks", "center", *options, a_minute).output
    assert "\n1/1 doomed:slow, seed 0: on " in said, "the last line of its log"
    bench("--plugins", "doomed:late", *options, "0.05", code=1)
    _, run, _ = stored(tmp_path / "out")
    assert [entry.reason for entry in run.entries] == ["took longer than 0.05 minutes"]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--executor", "locla"], "Did you mean 'local'?"),
        (["--executor", "ray", "--jobs", "2"], "--jobs does nothing under --executor ray; give --executor local."),
        (["--time-limit", "2"], "--time-limit does nothing under --executor here; give --executor local."),
    ],
)
def test_what_an_executor_does_not_know_is_refused(bench: Bench, tmp_path: Path, options: list[str], told: str):
    assert told in " ".join(bench("--plugins", "pconv", *options, code=2).output.split())
    assert not (tmp_path / "out").exists()


EXECUTORS = {each.name: each for each in bench_executors()}


def test_an_executor_gets_what_is_given_be_it_nothing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(select, "find_spec", lambda name: name)
    assert select.select_executor(EXECUTORS, RunOptions(executor="ray", cell_gpus=0.0)) == (
        EXECUTORS["ray"],
        {"cell_gpus": 0.0},
    )


def test_what_an_executor_needs_is_told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(select, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r"`pip install inpaint-bench\[ray\]`"):
        select.select_executor(EXECUTORS, RunOptions(executor="ray"))


@pytest.mark.parametrize(
    ("device", "seen", "cards"),
    [("cpu", "1,2", []), ("cuda", "5,2", ["5", "2"]), ("auto", "5,2", ["5", "2"]), ("auto", None, ["0", "1", "2"])],
)
def test_cards_are_those_that_may_be_seen(
    monkeypatch: pytest.MonkeyPatch, device: str, seen: str | None, cards: list[str]
):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if seen:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    assert local._gpus(device) == cards


def test_every_card_has_one_process_at_a_time_and_all_end_with_the_caller(monkeypatch: pytest.MonkeyPatch):
    began, running = [], []

    class Process:
        """In place of a cell's; it has ended once it was checked as often as the cell is long."""

        def __init__(self, cell: Any, context: Any, place: int, among: int, pinned: dict[str, str], minutes: Any):
            began.append((cell.title, pinned["CUDA_VISIBLE_DEVICES"], among))
            self.cell, self.place, self.process, self.looks = cell, place, Mock(), cell.seed
            running.append(self)
            assert len({each.place for each in running}) == len(running) <= 2

        def has_ended(self) -> bool:
            self.looks -= 1
            return not self.looks and not self.end()

        def end(self) -> None:
            running.remove(self)

    monkeypatch.setattr(local, "CellProcess", Process)
    monkeypatch.setattr(local, "wait", lambda *given: None)
    monkeypatch.setattr(local, "_gpus", lambda device: ["7", "3"])
    cells = [
        Mock(spec=Cell, title=title, seed=looks, context=Mock())
        for title, looks in zip("abcd", (3, 1, 1, 9), strict=True)
    ]
    finished: Any = local.run(cells)
    assert [next(finished).title for _ in range(3)] == ["b", "c", "a"]
    assert began == [("a", "7", 2), ("b", "3", 2), ("c", "3", 2), ("d", "3", 2)]
    finished.close()
    assert not running


def test_every_end_has_words():
    assert how_it_ended(-signal.SIGTERM) == "was killed by SIGTERM"
    assert "memory" in how_it_ended(-signal.SIGKILL)
    assert how_it_ended(3).endswith("exit code 3")
