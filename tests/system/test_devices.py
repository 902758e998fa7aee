"""Devices: what is computed with TF32, how gradients of 16 bits are scaled, and how processes talk and end."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from bench_core.data.loader import loading_processes
from bench_core.errors import BadInput
from bench_core.evaluation.measure import EvaluationResult, PredictionBatch
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.nn.backbones import build
from bench_core.protocol import load
from bench_core.specs import Metric, Precision
from bench_core.system import devices
from bench_core.system.devices import open_fabric
from bench_core.system.tf32 import set_tf32, tf32
from bench_perf.pretend_cuda import PretendCuda

CPU, CUDA = torch.device("cpu"), torch.device("cuda", 0)


@pytest.fixture(autouse=True)
def restore_tf32() -> Iterator[None]:
    with tf32(False):
        yield


def uses_tf32() -> tuple[bool, bool]:
    return bool(torch.backends.cuda.matmul.allow_tf32), bool(torch.backends.cudnn.allow_tf32)


@pytest.mark.parametrize("precision", ["32-true", "tf32", "bf16-mixed", "16-mixed"])
def test_tf32_is_used_where_it_is_asked_for_only(precision: Precision):
    set_tf32(precision != "tf32")
    with PretendCuda().installed():
        open_fabric("cuda", precision)
    assert uses_tf32() == ((True, True) if precision == "tf32" else (False, False))


def test_tf32_needs_an_nvidia_gpu():
    with pytest.raises(BadInput, match="tf32 needs an NVIDIA GPU, and the device is cpu"):
        open_fabric("cpu", "tf32")


def test_metrics_never_use_tf32(monkeypatch: pytest.MonkeyPatch):
    seen: list[tuple[bool, bool]] = []

    def watched(prediction: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
        seen.append(uses_tf32())
        return prediction.mean((1, 2, 3))

    metric = Metric("m", "M", "", "lower", "unused")
    suite = MetricSuite([], CPU, load("quick"))
    monkeypatch.setattr(suite, "function", lambda metric: watched)
    x = torch.rand(1, 3, 8, 8)
    set_tf32(True)
    EvaluationResult(suite, [metric]).start(PredictionBatch([0], x, x[:, :1].round(), x), ["a"])
    assert seen == [(False, False)] and uses_tf32() == (True, True)


def test_gradients_of_16_bits_start_from_a_scale_that_they_can_hold():
    with PretendCuda().installed():
        fabric: Any = open_fabric("cuda", "16-mixed")
    assert fabric.strategy.precision.scaler.get_scale() == 2**12


def test_plain_data_goes_through_gloo_also_between_gpus(monkeypatch: pytest.MonkeyPatch):
    asked: dict[str, Any] = {}

    def strategy(**given: Any) -> str:
        asked.update(given)
        return "auto"

    monkeypatch.setattr(devices, "UnwrappedDDPStrategy", strategy)
    for gpus, backend in ((False, None), (True, "cpu:gloo,cuda:nccl")):
        monkeypatch.setattr(torch.cuda, "is_available", lambda gpus=gpus: gpus)
        with pytest.raises(BadInput):
            open_fabric("nonsense", devices=2)
        assert asked["process_group_backend"] == backend


def test_a_process_ends_with_the_one_that_started_it():
    """Even while it waits in C, where no signal handler of Python runs."""
    waiting = "from bench_core.system.processes import end_with_parent; end_with_parent()\n"
    waiting += "print('waiting', flush=True)\n"
    waiting += "import threading; lock = threading.Lock(); lock.acquire(); lock.acquire()"
    starting = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {waiting!r}])"
    parent = subprocess.Popen([sys.executable, "-c", starting], stdout=subprocess.PIPE, text=True)
    assert parent.stdout and parent.stdout.readline() == "waiting\n"
    parent.kill()
    parent.communicate(timeout=60)  # the pipe closes when the child, too, has ended


def test_building_a_backbone_leaves_the_generators_of_gpus_alone(monkeypatch: pytest.MonkeyPatch):
    seeded: list[int] = []
    monkeypatch.setattr(torch.cuda, "manual_seed_all", seeded.append)
    torch.manual_seed(3)
    assert seeded == [3]
    before = torch.get_rng_state()
    build("vgg16", "random")
    assert seeded == [3]
    torch.testing.assert_close(torch.get_rng_state(), before)


def test_a_gpu_is_fed_by_several_processes_unless_a_number_is_given(monkeypatch: pytest.MonkeyPatch):
    for cores, expected in ((1, 0), (4, 3), (64, 8)):
        monkeypatch.setattr("bench_core.data.loader.usable_cores", lambda cores=cores: cores)
        assert loading_processes(None, CUDA) == expected
        assert loading_processes(None, CPU) == 0
        assert [loading_processes(asked, CUDA) for asked in (0, 2, 20)] == [0, 2, 20]
