"""Comparisons that are killed at random moments until they end, and how far they had come: see docs/reliability.md.

python tests/crash_harness.py --kills 100
"""

import multiprocessing
import os
import random
import sys
import time
from argparse import ArgumentParser
from collections import Counter
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from PIL import Image

from bench_core.store import Store, read_runs

PROTOCOL = """
image_set = "folder"
size = 32
steps = 12
batch = 2
scale = "nano"
backbone = "random"
metrics = ["l1", "psnr", "ssim"]
curve_every = 6

[masks.center]
family = "center_box"

[masks.free-form]
family = "free_form"
"""
METHODS = ("pconv", "gated")
"""Of which one has batch norm and two phases, the other a game of two networks with spectral norm."""
STAGES = ("before training", "training", "judging", "tables")

_forkserver = multiprocessing.get_context("forkserver")
_forkserver.set_forkserver_preload(["bench_core.planning", "bench_core.results", "bench_pconv.model"])


@dataclass(frozen=True)
class World:
    """Images, rules and stores in one folder."""

    folder: Path

    def make(self) -> "World":
        noise = np.random.default_rng(0)
        for number in range(7):
            path = self.folder / "images" / ("test" if number < 3 else "train") / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(noise.integers(0, 256, (40, 48, 3), np.uint8)).save(path)
        (self.folder / "rules.toml").write_text(PROTOCOL)
        return self

    def start(self, out: str) -> BaseProcess:
        given = {"plugins": ",".join(METHODS), "protocol": self.folder / "rules.toml", "data": self.folder / "images"}
        given |= {"device": "cpu", "out": self.folder / out}
        process = _forkserver.Process(target=_bench, args=([f"--{key}={value}" for key, value in given.items()],))
        process.start()
        return process

    def store(self, out: str) -> Store:
        return Store(self.folder / out)


def _bench(options: list[str]) -> None:
    """`bench run`, silent, that writes a checkpoint after every step."""
    from bench_core import training
    from bench_core.cli import main

    training.CHECKPOINT_EVERY = -1
    training.CHECKPOINT_SHARE = float("inf")
    silence = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(silence, stream)
    main(["run", *options])


def killed(world: World, out: str, longest: float, chance: random.Random) -> Counter[str]:
    """Start, kill at a random moment before `longest` seconds, and repeat until a run ends by itself.

    Returns how often it was killed at each of the `STAGES`.
    """
    met: Counter[str] = Counter()
    while True:
        process = world.start(out)
        process.join(chance.uniform(0, longest))
        process.kill()
        process.join()
        if process.exitcode == 0:
            return met
        assert process.exitcode == -9, f"a repetition ended with exit code {process.exitcode}"
        met[_stage(world.store(out))] += 1


def _stage(store: Store) -> str:
    cells = [path for path in store.root.glob("cells/*") if path.name.startswith(METHODS)]
    if any((path / "checkpoint.pt").exists() for path in cells):
        return "training"
    judged = [path for path in cells if len(list(path.glob("rows/*.parquet"))) == 2]
    if len(judged) == len(METHODS):
        return "tables"
    return "judging" if len(judged) < sum((path / "weights.safetensors").exists() for path in cells) else STAGES[0]


def outcome(store: Store) -> tuple[dict[str, bytes], pd.DataFrame]:
    """Everything that must not depend on interruptions: weights, logs, curves and tables, byte for byte, and rows."""
    _, (run,) = read_runs(store.root)
    kept = ("cells/*/weights.safetensors", "cells/*/training.jsonl", "cells/*/curves.jsonl", "runs/*/table.csv")
    found = {path for pattern in kept for path in store.root.glob(pattern)}
    trained = [store.root / "cells" / entry.folder for entry in run.entries if entry.variant in METHODS]
    assert not any((cell / "checkpoint.pt").exists() for cell in trained)
    assert all((cell / "provenance" / "training.json").exists() for cell in trained)
    return {str(path.relative_to(store.root)): path.read_bytes() for path in found}, store.rows(run)


def survive(folder: Path, kills: int, seed: int) -> Counter[str]:
    """Kill until there were so many kills, with a fresh store whenever a run has ended.

    Raises:
        AssertionError: a disturbed comparison ended otherwise than the undisturbed one.
    """
    world, chance = World(folder).make(), random.Random(seed)
    world.start("warm").join()  # for the first process waits until everything is imported
    began = time.monotonic()
    straight = world.start("timed")
    straight.join()
    longest = time.monotonic() - began
    assert straight.exitcode == 0, "the undisturbed run failed"
    files, rows = outcome(world.store("timed"))
    met: Counter[str] = Counter()
    while met.total() < kills:
        out = f"killed-{met.total()}"
        met += killed(world, out, longest, chance)
        again, same = outcome(world.store(out))
        assert again.keys() == files.keys()
        different = [name for name, content in files.items() if again[name] != content]
        assert not different, different
        pd.testing.assert_frame_equal(same, rows, check_exact=True)
    return met


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        met = survive(Path(folder), asked.kills, asked.seed)
    print(f"{met.total()} kills (seed {asked.seed}); every comparison ended with the same bytes.")
    for stage in STAGES:
        print(f"  {stage}: {met[stage]}")


if __name__ == "__main__":
    sys.exit(main())
