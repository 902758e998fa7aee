"""Tests that need a GPU: published networks train and are evaluated there, and predict what they predict on the CPU."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bench_core.cli import main
from bench_core.conformance import check
from bench_core.metrics import bench_metrics
from bench_core.metrics.regions import region_arguments
from bench_core.specs import resolve
from bench_core.store.store import Store, read_runs

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
NAMES = ["pconv", "gated", "dmfn"]


@pytest.mark.parametrize("precision", ["32-true", "tf32", "bf16-mixed", "16-mixed"])
def test_published_networks_train_and_are_evaluated(tmp_path: Path, precision: str):
    budget = ["--scale", "paper", "--size", "256", "--steps", "2", "--batch", "2", "--test-images", "2"]
    where = ["--device", "cuda", "--precision", precision, "--out", str(tmp_path)]
    result = CliRunner().invoke(main, ["run", "--plugins", ",".join(NAMES), *budget, *where])
    assert result.exit_code == 0, result.output
    store, runs = read_runs(tmp_path)
    rows = Store.rows(store, runs[-1])
    assert rows["value"].notna().all()
    assert len(rows["variant"].unique()) == len(NAMES) + 3


@pytest.mark.parametrize("name", NAMES)
def test_methods_keep_the_rules_there_and_predict_what_the_cpu_predicts(name: str):
    card = check(name, device="cuda")
    assert card.passed, str(card)


def test_images_are_measured_as_on_the_cpu():
    metrics = [metric for metric in bench_metrics() if metric.weights is None]
    one, other = torch.rand(2, 2, 3, 200, 190, generator=torch.Generator().manual_seed(0))
    hole = torch.zeros(2, 1, 200, 190)
    hole[..., 50:120, :90] = 1
    for metric in metrics:
        on_cpu, on_gpu = (
            resolve(metric.build)(device)(
                one.to(device), other.to(device), *region_arguments(metric.region, hole.to(device))
            ).cpu()
            for device in (torch.device("cpu"), torch.device("cuda"))
        )
        torch.testing.assert_close(on_gpu, on_cpu, rtol=1e-6, atol=1e-6, msg=metric.definition)
