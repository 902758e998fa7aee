"""Every model trains and is evaluated on a GPU: its tensors lie there, and nothing makes the program wait for it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from support.paths import ROOT
from support.small_training import MODELS, TRAINED

from bench_core.specs import Precision
from bench_perf.pretend_cuda import PretendCuda

ON_CPU = {"telea", "navier_stokes", "glcic:poisson", "patchmatch"}
"""Models that OpenCV or NumPy computes, or the last step of them."""

SIMILAR = {name for name in MODELS if ":" in name} - ON_CPU - {"gated:guided", "glcic:cifar10"}
"""Forms that differ from their method in layers or numbers only."""


@pytest.fixture
def gpu() -> Iterator[PretendCuda]:
    with PretendCuda().installed() as gpu:
        yield gpu


@pytest.fixture
def readiness(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Import the benchmark, which is not installed."""
    monkeypatch.syspath_prepend(ROOT)
    from benchmarks import gpu_readiness

    return gpu_readiness


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long if n in SIMILAR else ()) for n in TRAINED])
def test_no_step_waits_for_the_gpu(name: str, readiness: Any):
    waits = readiness.train(name).waits
    assert waits and not any(waits)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.long if n in SIMILAR else ()) for n in MODELS])
def test_no_batch_waits_for_the_gpu_before_the_next_is_under_way(name: str, readiness: Any):
    assert bool(readiness.waits_of_batches(name)) == (name in ON_CPU)


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize(
    "precision",
    [pytest.param("tf32", marks=pytest.mark.long), pytest.param("bf16-mixed", marks=pytest.mark.long), "16-mixed"],
)
@pytest.mark.parametrize("name", [name for name in TRAINED if ":" not in name])
def test_steps_in_other_precisions_stay_on_the_gpu_and_finite(name: str, precision: Precision, readiness: Any):
    state = readiness.train(name, precision, steps_per_phase=1).method.state_dict()
    assert all(value.is_cuda and value.isfinite().all() for value in state.values())


def graphs(names: list[str], training: bool) -> dict[str, int]:
    """Count graphs in a process of its own, because the checks of shapes in tests cut them."""
    code = "import json; from benchmarks.gpu_readiness import num_graphs\n"
    code += f"print(json.dumps({{name: num_graphs(name, {training}) for name in {names}}}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.long
@pytest.mark.parametrize("training", [True, False])
def test_torch_compile_makes_one_graph_of_every_generator(training: bool):
    names = [name for name in TRAINED if ":" not in name]
    assert graphs(names, training) == dict.fromkeys(names, 1)
