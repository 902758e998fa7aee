"""Killed at random moments, or asked to end, `bench run` goes on where it was and ends with the same bytes."""

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from support.paths import ROOT

KILLS = int(os.environ.get("INPAINT_SOAK", "3"))
"""`make soak` asks for more."""
RUN = ("run", "--plugins", "gated", "--no-baselines", "--device", "cpu", "--metrics", "l1", "--steps", "8")


_straight: dict[str, bytes] = {}


@dataclass
class Child:
    """One `bench` in a fork of the zygote."""

    zygote: subprocess.Popen[str]
    number: int
    log: Path

    def send(self, number: int) -> None:
        os.killpg(self.number, number)

    def ended(self) -> int:
        """Wait; the exit code, or minus the signal that killed it."""
        assert self.zygote.stdout
        return int(self.zygote.stdout.readline())

    def comes_to(self, text: str) -> None:
        """Wait until it has said so."""
        deadline = time.monotonic() + 60
        while text not in self.log.read_text():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.005)


@dataclass
class World:
    zygote: subprocess.Popen[str]
    options: list[str]
    folder: Path

    def start(self, out: str, *options: str, least: float = 0.0) -> Child:
        assert self.zygote.stdin and self.zygote.stdout
        log = self.folder / f"{out}.log"
        log.write_text("")
        line = [str(log), least, *RUN, *self.options, "--out", str(self.folder / out), *options]
        self.zygote.stdin.write(json.dumps(line) + "\n")
        self.zygote.stdin.flush()
        return Child(self.zygote, int(self.zygote.stdout.readline()), log)

    def straight(self) -> dict[str, bytes]:
        """What the undisturbed run leaves; it lies in no file's bytes where that was."""
        if not _straight:
            assert self.start("straight").ended() == 0
            _straight.update(self.kept("straight"))
        assert len(_straight) == 7  # weights, rows of two mask sets, training log, curves, and the table twice
        return _straight

    def kept(self, out: str) -> dict[str, bytes]:
        """What a comparison is about: weights, rows, curves and logs of all cells, and the table."""
        root = self.folder / out
        found = [path for kind in ("*.safetensors", "*.parquet", "*.jsonl", "table.csv") for path in root.rglob(kind)]
        return {str(path.relative_to(root)): path.read_bytes() for path in found}


@pytest.fixture(scope="module")
def zygote() -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(ROOT / "tests" / "support" / "forkserver.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stdout.readline() == "ready\n"
        yield process


@pytest.fixture
def world(zygote: subprocess.Popen[str], protocol: Path, photographs: Path, tmp_path: Path) -> World:
    protocol.write_text("curve_every = 3\n" + protocol.read_text())
    return World(zygote, ["--protocol", str(protocol), "--data", str(photographs)], tmp_path)


def test_killed_at_random_moments_a_run_ends_with_the_same_bytes(world: World):
    began = time.monotonic()
    straight = world.straight()
    lasted, moments = time.monotonic() - began, random.Random(0)
    kills, attempts, complete = 0, 0, 0
    while kills < KILLS or not complete:
        child = world.start(f"killed-{complete}")
        attempts += 1
        if kills < KILLS:
            time.sleep(moments.uniform(0, lasted))
            child.send(signal.SIGKILL)
        code = child.ended()
        kills += code == -signal.SIGKILL
        if code != -signal.SIGKILL:
            assert code == 0, child.log.read_text()
            assert world.kept(f"killed-{complete}") == straight
            assert not list((world.folder / f"killed-{complete}" / "cells").rglob(".half-written*"))
            complete += 1
    print(f"{kills} kills in {attempts} starts; {complete} runs complete, each equal to the undisturbed one")


@pytest.mark.parametrize(
    ("number", "workers"), [(signal.SIGTERM, "2"), pytest.param(signal.SIGINT, "0", marks=pytest.mark.long)]
)
def test_asked_to_end_a_run_saves_its_step_and_goes_on(world: World, number: int, workers: str):
    world.straight()
    child = world.start("ended", "--workers", workers, least=0.3)
    child.comes_to("3/8")
    child.send(number)
    assert child.ended() == 128 + number
    said = child.log.read_text()
    assert "Repeat the same command" in said and "Traceback" not in said
    again = world.start("ended")
    assert again.ended() == 0
    assert re.findall(r"(\d)/8", again.log.read_text())[0] == re.findall(r"(\d)/8", said)[-1]  # no step is lost
    assert world.kept("ended") == world.straight()


def test_a_second_signal_ends_at_once(world: World):
    child = world.start("ended", least=20.0)
    child.comes_to("0/8")
    time.sleep(0.2)
    began = time.monotonic()
    child.send(signal.SIGINT)
    time.sleep(0.2)
    child.send(signal.SIGINT)
    assert child.ended() == 130
    assert time.monotonic() - began < 15
