"""The bare loop that our training loop is measured beside takes the same steps."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from bench_perf.cases.overhead import BareSteps
from bench_perf.training_loop import OurTraining, TrainingCase


class Over(Exception):
    """Enough steps were taken."""


@pytest.mark.parametrize("name", ["glcic", "pconv", "gated"])
def test_both_loops_end_with_the_same_weights(name: str, monkeypatch: pytest.MonkeyPatch):
    lessons: list[TrainingCase] = []
    make = OurTraining.lesson
    monkeypatch.setattr(OurTraining, "lesson", lambda self, device: lessons.append(make(self, device)) or lessons[-1])
    ours = OurTraining(name, "nano", 64, 2, "cpu")
    for work in (ours, BareSteps(ours)):
        steps(work, 3)
    begun = make(ours, torch.device("cpu")).method.state_dict()
    first, second = (lesson.method.state_dict() for lesson in lessons)
    assert first.keys() == second.keys() == begun.keys()
    assert any(not torch.equal(begun[key], first[key]) for key in begun)
    for key, value in first.items():
        torch.testing.assert_close(value, second[key], rtol=1e-3, atol=1e-5, msg=key)


def steps(work: Callable[..., Any], number: int) -> None:
    """Let it take so many steps."""
    left = [number]

    def advance(output: Any = None) -> None:
        if left[0] == 0:
            raise Over
        left[0] -= 1

    with pytest.raises(Over):
        work(advance)
