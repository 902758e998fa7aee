"""Laws of noticing that training has run away: the first bad update is named, and good ones pass."""

import pytest
import torch

from bench_core.recipe import Optimiser, Update
from bench_core.training.nan_guard import NanGuard, NonFiniteError

UPDATE = Update("generator", Optimiser("Adam", {}), {"near": 1.0, "far": 1.0})


def note(nan_guard: NanGuard, step: int, far: float = 2.0, gradient: float = 1.0) -> None:
    values = {"near": torch.tensor(1.0), "far": torch.tensor(far)}
    nan_guard.note(step, UPDATE, values, [torch.tensor([gradient, 0.0])])


@pytest.mark.parametrize("bad", [float("inf"), float("-inf"), float("nan")])
def test_the_first_bad_update_is_named(bad: float):
    for changes, said in (({"far": bad}, "loss term far"), ({"gradient": bad}, r"gradient of near \+ far")):
        nan_guard = NanGuard()
        for step, given in enumerate(({}, changes, {"far": bad, "gradient": bad})):
            note(nan_guard, step, **given)
        with pytest.raises(NonFiniteError, match=f"the {said} of the generator became NaN or infinite at step 1"):
            nan_guard.check()


def test_what_was_checked_is_forgotten():
    nan_guard = NanGuard()
    nan_guard.check()
    note(nan_guard, 0)
    nan_guard.check()
    note(nan_guard, 1, far=float("inf"))
    with pytest.raises(NonFiniteError):
        nan_guard.check()
    nan_guard.check()
