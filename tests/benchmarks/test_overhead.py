"""The bare loop that measures our training loop's overhead takes the same steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from bench_core.methods import Method
from bench_core.system.devices import open_fabric
from bench_core.training.trainer import Trainer
from bench_perf.cases.overhead import BareLoop
from bench_perf.cases.training import MethodTraining


class EnoughSteps(Exception):
    """Ends an endless loop."""


@pytest.mark.parametrize("name", ["glcic", "pconv", "gated"])
def test_both_loops_end_with_the_same_weights(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    methods: list[Method] = []
    build = MethodTraining.build

    def build_and_record(*arguments: Any) -> Trainer:
        trainer = build(*arguments)
        methods.append(trainer.method)
        return trainer

    monkeypatch.setattr(MethodTraining, "build", build_and_record)
    ours = MethodTraining(name, "nano", 64, 2, "cpu")
    for loop in (ours, BareLoop(ours)):
        take_steps(loop, 3)
    initial = build(ours, open_fabric("cpu"), tmp_path).method.state_dict()
    first, second = (method.state_dict() for method in methods)
    assert first.keys() == second.keys() == initial.keys()
    assert any(not torch.equal(initial[key], first[key]) for key in initial)
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=1e-3, atol=1e-5, msg=key)


def take_steps(loop: Callable[..., Any], number: int) -> None:
    left = [number]

    def advance(output: Any = None) -> None:
        if left[0] == 0:
            raise EnoughSteps
        left[0] -= 1

    with pytest.raises(EnoughSteps):
        loop(advance)
