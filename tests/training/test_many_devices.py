"""Several processes that share one method: the same rows, the same weights, and no rank waits in vain."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.paths import ROOT

from bench_core.errors import BadInput
from bench_core.experiment.context import RuntimeConfig, check_division
from bench_core.store.store import Store, read_runs
from bench_core.system.distributed import Distributed

TESTS = ROOT / "tests"
LIMIT = 240


@pytest.mark.parametrize(("images", "batch", "count"), [(7, 3, 2), (7, 3, 3), (1, 4, 3), (12, 4, 1), (0, 2, 2)])
def test_parts_hold_every_position_once_and_in_order(images: int, batch: int, count: int):
    positions = range(5, 5 + images)
    parts = [list(Distributed(number, count).parts(positions, batch)) for number in range(count)]
    together = [[index for part in every for index in part] for every in zip(*parts, strict=True)]
    assert together == [list(positions[first : first + batch]) for first in range(0, images, batch)]
    for every in zip(*parts, strict=True):
        assert max(map(len, every)) - min(map(len, every)) <= 1


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (RuntimeConfig(devices=2, nodes=2), "batch of 3 cannot be shared out among 4 devices"),
        (RuntimeConfig("cpu", sync_batchnorm=True), "works on CUDA only"),
        (RuntimeConfig("cuda", devices=2, sync_batchnorm=True), "a --batch that 2 divides, not 3"),
    ],
)
def test_devices_that_cannot_share_a_batch_are_refused(machine: RuntimeConfig, said: str):
    with pytest.raises(BadInput, match=said):
        check_division(machine, 3)


def child(*command: object, code: int = 0) -> str:
    """Run in a process of its own, which starts the other ranks; one thread each."""
    done = subprocess.run(
        [sys.executable, *map(str, command)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def uneven(tmp_path: Path, protocol: Path) -> list[object]:
    """`bench run` on five test images, a batch of three and two images measured at a time, as two ranks share none."""
    for number in range(9):
        path = tmp_path / "uneven" / ("test" if number < 5 else "train") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(number).integers(0, 256, (10, 12, 3), np.uint8)
        Image.fromarray(noise).resize((48, 40)).save(path)
    world = ["--protocol", protocol, "--data", tmp_path / "uneven", "--device", "cpu", "--batch", 3, "--eval-batch", 2]
    return ["-m", "bench_core", "run", "--plugins", "gated", *world]


def rows(out: Path) -> pd.DataFrame:
    store, runs = read_runs(out)
    assert {entry.state for entry in runs[-1].entries} == {"done"}
    return Store.rows(store, runs[-1])


@pytest.mark.long
def test_two_processes_give_the_rows_of_one(uneven: list[object], tmp_path: Path):
    ways = (("1", ()), ("2", ("--devices", 2, "--tracker", "tensorboard")))
    told = [child(*uneven, "--out", tmp_path / out, *rest) for out, rest in ways]
    alone, shared = rows(tmp_path / "1"), rows(tmp_path / "2")
    assert len(shared) == 4 * 5 * 2 * 3  # methods, images, mask sets, metrics
    pd.testing.assert_frame_equal(alone.drop(columns="value"), shared.drop(columns="value"), check_exact=True)
    untrained = alone["method"] != "gated"
    pd.testing.assert_frame_equal(alone[untrained], shared[untrained], check_exact=True)
    np.testing.assert_allclose(alone["value"], shared["value"], rtol=1e-3)
    assert all(text.count("┃ method") == 2 for text in told)  # the two tables are printed by one rank only
    assert [len(list(cell.iterdir())) for cell in (tmp_path / "2" / "tensorboard").iterdir()] == [1] * 4  # by one, too


@pytest.mark.long
def test_what_the_command_cannot_use_is_told_once_and_nobody_waits(uneven: list[object], tmp_path: Path):
    told = child(*uneven, "--out", tmp_path / "out", "--devices", 2, "--metrics", "nonsense", code=2)
    assert told.count("nonsense") == 1, told


SCRIPT = """
import hashlib, json, sys
from dataclasses import replace
from pathlib import Path

folder, tests = map(Path, sys.argv[1:])
sys.path.insert(0, str(tests))
import training.test_trainer as given
from bench_core.training import trainer
from bench_core.system.devices import join_process_group, open_fabric

distributed, found = join_process_group("cpu", 2, 1), {}
trainer.LOG_STEPS, trainer.CHECKPOINT_SECONDS, trainer.CHECKPOINT_SHARE = 1, -1, float("inf")


def a_training(name, out):
    job = given.a_training(name, folder / out)
    job.fabric = open_fabric("cpu", devices=2)
    job.pairs = replace(job.pairs, protocol=job.pairs.protocol.override({"batch": 4}))  # as batch norm needs two each
    return job


def trained(name, out, stop=None):
    def advance(step, values):
        if step == stop:
            raise KeyboardInterrupt

    job = a_training(name, out)
    try:
        job.fit(advance)
    except KeyboardInterrupt:
        return
    weights = b"".join(value.numpy().tobytes() for value in job.method.state_dict().values())
    found[f"{name} {out}"] = hashlib.sha256(weights).hexdigest()


for name in ("pconv", "gated"):  # one has batch norm, one a power iteration and two networks
    trained(name, name + " straight")
    trained(name, name + " broken", stop=3)
    trained(name, name + " broken")
job, steps = a_training("pconv", "failing"), []
plain = job.terms["tv"]
job.terms["tv"] = lambda ctx: plain(ctx) if distributed.is_rank_zero or len(steps) < 3 else 1 / 0
try:
    job.fit(lambda step, values: steps.append(step))
except Exception as error:
    found["failure"] = f"{type(error).__name__}: {error}"
found["then"] = distributed.gather(lambda: distributed.rank)
(folder / f"{distributed.rank}.json").write_text(json.dumps(found))
"""


def test_ranks_agree_on_weights_also_when_interrupted_and_on_failures(tmp_path: Path):
    (tmp_path / "script.py").write_text(SCRIPT)
    child(tmp_path / "script.py", tmp_path, TESTS)
    zero, one = (json.loads((tmp_path / f"{number}.json").read_text()) for number in (0, 1))
    for name in ("pconv", "gated"):
        ended = {each[f"{name} {name} {how}"] for each in (zero, one) for how in ("straight", "broken")}
        assert len(ended) == 1, name
    assert zero["failure"] == "RemoteRankError: rank 1 of 2 failed with ZeroDivisionError: division by zero"
    assert one["failure"] == "ZeroDivisionError: division by zero"
    assert zero["then"] == one["then"] == [0, 1]  # they still understand each other
