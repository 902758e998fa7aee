"""What needs a GPU: the published networks train and judge there, and paint what they paint on the CPU."""

from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

from bench_core.cli import main
from bench_core.method import Method
from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_core.store import Store, read_runs

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
NAMES = ["pconv", "gated", "dmfn"]


@pytest.mark.parametrize("precision", ["32-true", "bf16-mixed"])
def test_the_published_networks_train_and_judge(tmp_path: Path, precision: str):
    budget = ["--scale", "paper", "--size", "256", "--steps", "2", "--batch", "2", "--test-images", "2"]
    where = ["--device", "cuda", "--precision", precision, "--out", str(tmp_path)]
    result = CliRunner().invoke(main, ["run", "--plugins", ",".join(NAMES), *budget, *where])
    assert result.exit_code == 0, result.output
    store, runs = read_runs(tmp_path)
    rows = Store.rows(store, runs[-1])
    assert rows["value"].notna().all()
    assert len(rows["variant"].unique()) == len(NAMES) + 3


@pytest.mark.parametrize("name", NAMES)
def test_the_gpu_paints_what_the_cpu_paints(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    plugins = Plugins.find()
    plugins.load([name])
    torch.manual_seed(0)
    method: Method = resolve(plugins.records("models")[name].build)("nano", 3).eval()
    hole = torch.zeros(2, 1, 64, 64)
    hole[..., 16:48, 16:48] = 1
    masked = torch.rand(2, 3, 64, 64) * (1 - hole)
    on_cpu = method.predict(masked, hole)
    on_gpu = method.cuda().predict(masked.cuda(), hole.cuda()).cpu()
    torch.testing.assert_close(on_gpu, on_cpu, rtol=0, atol=1e-4)
