"""What befalls one of two processes that share a method is told by both, and neither waits for the other for ever."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pandas as pd
import pytest
from click.testing import Result
from support.failures import REPEAT, Mishap, World
from support.installing import install

from bench_core.store.store import Store, read_runs

METHODS = ("unbuilt", "whole", "killed")
LAME = """
import os, signal
from bench_core import Model, hookimpl
from bench_core.methods import Method

@hookimpl
def bench_models():
    return [Model(name, "T", "C", f"bench_lame:{name}") for name in ("unbuilt", "whole", "killed")]

class Copy(Method):
    def predict(self, masked, hole):
        return masked

class Killed(Copy):
    def predict(self, masked, hole):
        if lame():
            os.kill(os.getpid(), signal.SIGKILL)
        return masked

def lame():
    return os.environ.get("LOCAL_RANK") == os.environ.get("LAME_RANK", "")

def unbuilt(scale, channels):
    if lame():
        raise RuntimeError("no such luck")
    return Copy()

def whole(scale, channels):
    return Copy()

def killed(scale, channels):
    return Killed()
"""
"""Does everything but on the rank that LAME_RANK names."""
LIMIT = 200
"""Seconds; ranks that wait for each other would do so for a day."""


@contextmanager
def lame(world: World) -> Iterator[None]:
    world.patch.setenv("LAME_RANK", "1")
    yield
    world.patch.delenv("LAME_RANK")


RANKS = (
    Mishap(
        "a method fails on one of two devices",
        "building it raises there",
        lame,
        1,
        "unbuilt failed: rank 1 of 2 failed with RuntimeError: no such luck",
        "all else; the next method is judged on both",
        ("--devices", "2"),
    ),
    Mishap(
        "one of two processes that share a method is killed",
        "SIGKILL while it paints",
        lame,
        1,
        "Another process of this run was lost (...). Repeat the same command to resume the run.",
        REPEAT,
        ("--devices", "2"),
    ),
)
"""Both happen to one run, one after the other."""


def rows(out: Path) -> pd.DataFrame:
    store, runs = read_runs(out)
    assert {entry.method: entry.state for entry in runs[-1].entries} == dict.fromkeys(METHODS, "done")
    return Store.rows(store, runs[-1]).sort_values(["method", "mask_set", "metric", "image"], ignore_index=True)


@pytest.mark.long
def test_a_rank_that_fails_or_is_killed_is_told_and_a_repetition_goes_on(
    bench: Callable[..., Result], protocol: Path, photographs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    install("lame", LAME, tmp_path / "modules", monkeypatch)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    asked = ["--plugins", "lame", "--no-baselines"]
    world = ["--protocol", protocol, "--data", photographs, "--device", "cpu", "--out", tmp_path / "shared"]
    command = [sys.executable, "-m", "bench_core", "run", *asked, *map(str, world), *RANKS[0].options]

    def shared(code: int) -> str:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, check=False)
        said = " ".join((done.stdout + done.stderr).split())
        assert done.returncode == code and "Traceback" not in said, said
        return said

    with lame(World(tmp_path, monkeypatch)):
        said = shared(code=1)
    assert all(words in said for mishap in RANKS for words in mishap.said.split("..."))
    shared(code=0)
    assert not list(tmp_path.rglob("claim.json"))
    bench(*asked, out="alone")
    pd.testing.assert_frame_equal(rows(tmp_path / "shared"), rows(tmp_path / "alone"), check_exact=True)
