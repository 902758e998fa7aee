"""Laws of executors: wherever cells run, the rows are the same, and one cell's end is never another's."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result

from bench_core import checkpoints
from bench_core.executors.job import how_it_ended
from bench_core.store import Run, Store, read_runs

Bench = Callable[..., Result]
DOOMED = """
import os, signal, sys, time
from bench_core import Model, hookimpl
from bench_core.method import Method

@hookimpl
def bench_models():
    names = ("killed", "crashed", "left", "whole", "doomed:late")
    return [Model(name, "T", "C", "bench_doomed:" + name.split(":")[-1]) for name in names]

class Doomed(Method):
    def __init__(self, end):
        super().__init__()
        self.end = end

    def predict(self, masked, hole):
        print("painting", file=sys.stderr)
        self.end()
        return masked

def killed(scale, channels): return Doomed(lambda: os.kill(os.getpid(), signal.SIGKILL))
def crashed(scale, channels): return Doomed(lambda: os.kill(os.getpid(), signal.SIGSEGV))
def late(scale, channels): return Doomed(lambda: time.sleep(300))
def left(scale, channels): return Doomed(lambda: os._exit(0))
def whole(scale, channels): return Doomed(lambda: None)
"""


@pytest.fixture
def doomed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed plugin whose methods end their processes."""
    information = tmp_path / "modules" / "bench_doomed-0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-doomed\nVersion: 0\n")
    (information / "entry_points.txt").write_text("[bench]\ndoomed = bench_doomed\n")
    (tmp_path / "modules" / "bench_doomed.py").write_text(DOOMED)
    monkeypatch.syspath_prepend(tmp_path / "modules")


def stored(out: Path) -> tuple[Store, Run, pd.DataFrame]:
    store, runs = read_runs(out)
    return store, runs[-1], store.rows(runs[-1])


def test_processes_give_the_same_rows_and_weights(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    asked = ["--plugins", "pconv", "--seeds", "0,1", "--test-masks", "center", "--metrics", "l1"]
    bench(*asked, out="here")
    said = bench(*asked, "--executor", "local", "--jobs", "2", "--log", "tensorboard", out="local").output
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


def test_asked_to_end_a_run_lets_its_processes_save_their_step(protocol: Path, photographs: Path, tmp_path: Path):
    options = ["--protocol", protocol, "--data", photographs, "--out", tmp_path / "out", "--device", "cpu"]
    options += ["--plugins", "gated", "--no-baselines", "--executor", "local", "--steps", "100000"]
    command = [sys.executable, "-m", "bench_core", "run", *map(str, options)]
    with subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}, stderr=subprocess.PIPE) as process:
        while not any(log.stat().st_size for log in (tmp_path / "out").glob("cells/*/training.jsonl")):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 128 + signal.SIGTERM
    (cell,) = (tmp_path / "out" / "cells").iterdir()
    state = checkpoints.load_state(cell / "checkpoint.pt")
    assert state and state["step"] > 0
    assert not (cell / "claim.json").exists()


@pytest.mark.usefixtures("doomed")
def test_a_process_that_ends_is_a_failed_row_and_the_others_go_on(bench: Bench, tmp_path: Path):
    options = ["--plugins", "doomed", "--no-baselines", "--executor", "local", "--jobs", "4"]
    said = bench(*options, code=1).output.replace("\n", " ")
    store, run, rows = stored(tmp_path / "out")
    assert {entry.method: (entry.state, entry.reason.partition(",")[0]) for entry in run.entries} == {
        "killed": ("failed", "was killed by SIGKILL"),
        "crashed": ("failed", "was killed by SIGSEGV"),
        "left": ("failed", "ended in its midst with exit code 0"),
        "whole": ("done", ""),
    }
    assert set(rows["method"]) == {"whole"}
    assert "3 of 4 cells failed" in said
    for entry in run.entries:
        folder = store.folder(entry).path
        assert "painting" in (folder / "log.txt").read_text()
        assert (folder / "failure.txt").exists() == (entry.state == "failed")
        assert (str(folder / "log.txt") in said) == (entry.state == "failed")
    crashed = store.folder(run.entries[1]).path / "log.txt"
    assert "Segmentation fault" in crashed.read_text() and "in predict" in crashed.read_text()


@pytest.mark.usefixtures("doomed")
def test_a_process_that_takes_too_long_is_ended(bench: Bench, tmp_path: Path):
    bench("--plugins", "doomed:late", "--no-baselines", "--executor", "local", "--time-limit", "0.05", code=1)
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


def test_every_end_has_words():
    assert how_it_ended(-signal.SIGTERM) == "was killed by SIGTERM"
    assert "memory" in how_it_ended(-signal.SIGKILL)
    assert how_it_ended(3).endswith("exit code 3")
