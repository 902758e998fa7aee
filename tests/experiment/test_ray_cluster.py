"""Laws of the executor `ray`, on a real cluster of several node processes on this machine."""

import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import Result
from support.installing import install

from bench_core.store.store import read_runs

ray = pytest.importorskip("ray")
RAY = tuple(map(int, ray.__version__.split(".")[:2]))
Bench = Callable[..., Result]
SLOW = """
import os, time
from bench_core import Model, Optimiser, Phase, Recipe, Update, hookimpl
from bench_core.methods import Method, MethodOutput
from torch import cat, nn

@hookimpl
def bench_models():
    return [
        Model(name, "T", "C", "bench_slow:build", Recipe((Phase("train", ((update(rate),),)),), "0"))
        for name, rate in (("slow", 0.1), ("slow:slower", 0.01), ("slow:slowest", 0.001))
    ]

def update(rate):
    return Update("generator", Optimiser("SGD", {"lr": rate}), {"l1": 1.0})

class Slow(Method):
    def __init__(self, channels):
        super().__init__()
        self.generator = nn.Conv2d(channels + 1, channels, 1)

    def forward(self, masked, hole):
        time.sleep(float(os.environ.get("SLOWNESS", 0)))
        return MethodOutput(self.generator(cat([masked, hole], 1)))

    def predict(self, masked, hole):
        return self(masked, hole).prediction.clamp(0, 1)

def build(scale, channels):
    return Slow(channels)
"""
ABSENT = """
from bench_core import Model, hookimpl

@hookimpl
def bench_models():
    return [Model("absent", "T", "C", "bench_absent:build", guide="bench_absent:guide")]
"""


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that is installed here and on all nodes; it trains three methods as slowly as SLOWNESS says."""
    install("slow", SLOW, tmp_path / "modules", monkeypatch)
    monkeypatch.setenv("SLOWNESS", "0.2")


@pytest.fixture
def cluster(slow: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, list]]:
    """A head without cores, and two nodes of one core each."""
    from ray.cluster_utils import Cluster

    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    small: dict[str, Any] = {"object_store_memory": 80 * 2**20, "include_dashboard": False}
    with warnings.catch_warnings(action="ignore"):
        try:
            found = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **small})
        except Exception as error:
            pytest.skip(f"Ray does not start here: {error}")
        nodes = [found.add_node(num_cpus=1, **small) for _ in range(2)]
        found.wait_for_nodes()
        yield found, nodes
        found.shutdown()


@pytest.mark.long
def test_an_experiment_survives_the_loss_of_a_node(
    bench: Bench,
    cluster: tuple[Any, list],
    tmp_path: Path,
    protocol: Path,
    photographs: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    """And what the other machines lack is a failed row. Paths are those of the folder in which the user is."""
    install("absent", ABSENT, tmp_path / "here-only", monkeypatch)
    out, methods = tmp_path / "out", "slow,slow:slower,slow:slowest"
    asked = ["--seeds", "0,1", "--metrics", "l1,psnr", "--steps", "10"]
    asked += ["--no-baselines", "--test-masks", "center"]
    world = ["--protocol", protocol.name, "--data", photographs.name, "--device", "cpu", "--out", out.name]
    command = [sys.executable, "-m", "bench_core", "run", "--plugins", f"{methods},absent", *asked, *world]
    command += ["--executor", "ray", "--address", cluster[0].address]
    run = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while len(list(out.glob("cells/*/claim.json"))) < 2 and time.monotonic() < deadline and run.poll() is None:
        time.sleep(0.05)
    busy = len(list(out.glob("cells/*/claim.json")))
    if RAY >= (2, 54):  # an older one may have connected us to this very node, not to the head
        cluster[0].remove_node(cluster[1][0], allow_graceful=False)
    said = "".join(run.communicate(timeout=200))
    assert busy == 2, said  # a cell on each node
    assert run.returncode == 1, said
    assert "7 of 7 cells" in said
    store, (found,) = read_runs(out)
    assert [entry.state for entry in found.entries] == ["done"] * 6 + ["failed"]
    assert "There is no plugin 'absent'" in found.entries[-1].reason
    monkeypatch.delenv("SLOWNESS")
    bench("--plugins", methods, *asked, out="here")
    other, (alone,) = read_runs(tmp_path / "here")
    pd.testing.assert_frame_equal(store.rows(found), other.rows(alone), check_exact=True)
    assert not list(out.rglob("claim.json*"))
