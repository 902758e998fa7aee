"""Laws of --compile: the same is computed but for rounding, it is told, and where it cannot be it is refused."""

from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result

import bench_core.plugins
from bench_core.errors import BadInput
from bench_core.store.store import Store, read_runs
from bench_core.system.devices import require_compiler

Bench = Callable[..., Result]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")  # of torch, compiling
def test_a_compiled_training_is_the_plain_one_but_for_rounding(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    try:
        require_compiler("cpu")
    except BadInput as error:
        pytest.skip(str(error))
    real, cheats = bench_core.plugins.entry_points, EntryPoint("cheats", "bench_cheats", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), cheats])
    compile_in_place, kinds = torch.nn.Module.compile, []
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: (kinds.append(type(self)), compile_in_place(self)))
    command = ["--plugins", "cheats", "--no-baselines", "--steps", "3"]
    bench(*command)
    bench(*command, "--compile")
    assert kinds == [torch.nn.Conv2d]
    store, runs = read_runs(tmp_path / "out")
    plain, compiled = (Store.rows(store, run) for run in runs)
    assert set(compiled["variant"]) == {"cheats (32-true, compiled)"}
    np.testing.assert_allclose(compiled["value"], plain["value"], rtol=1e-4)
    assert {run.entries[0].folder for run in runs} == {cell.name for cell in (tmp_path / "out" / "cells").iterdir()}
    assert len({run.entries[0].folder for run in runs}) == 2, "no cell is shared"


def test_where_nothing_can_be_compiled_that_is_told_first(bench: Bench, monkeypatch: pytest.MonkeyPatch):
    def missing(one: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("no compiler found\nby this and that")

    monkeypatch.setattr(torch, "compile", lambda function: missing)
    told = bench("--plugins", "pconv", "--compile", code=2).output
    assert "--compile does not work here (no compiler found). It needs a C++ compiler" in " ".join(told.split())
