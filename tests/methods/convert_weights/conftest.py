"""A plugin with published weights, and files of them."""

import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
import torch
from support.paths import ROOT
from torch import Tensor

import bench_core.plugins

PLUGIN = ROOT / "tests" / "support" / "publishing_plugin.py"


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, tmp_path: Path) -> None:
    """An installed plugin of small networks, and an empty folder to work in."""
    folder = tmp_path_factory.mktemp("plugin")
    (folder / "bench_toy.py").write_text(PLUGIN.read_text())
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "bench_toy", raising=False)
    real, entry = bench_core.plugins.entry_points, EntryPoint("toy", "bench_toy", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), entry])
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def ours() -> dict[str, Tensor]:
    """Tensors that the toy's generator may have."""
    random = torch.Generator().manual_seed(0)
    shapes = {"conv.weight": (3, 4, 3, 3), "conv.bias": (3,)}
    shapes |= {f"norm.{name}": (3,) for name in ("running_mean", "running_var", "weight", "bias")}
    tensors = {key: torch.rand(shape, generator=random) for key, shape in shapes.items()}
    return tensors | {"norm.num_batches_tracked": torch.tensor(7)}


@pytest.fixture
def theirs(ours: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same by foreign names, and one tensor that has no use here."""
    renamed = {key.replace("conv.", "a.").replace("norm.", "b."): tensor for key, tensor in ours.items()}
    return renamed | {"critic.weight": torch.ones(2)}
