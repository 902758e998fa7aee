"""A training in 16 bits, whose gradients are scaled: steps are left out, and the scale is kept."""

from pathlib import Path

import pytest
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from torch.amp.grad_scaler import GradScaler
from training.test_trainer import STEPS, a_training, save_after_every_step

from bench_core.training.nan_guard import NonFiniteError
from bench_core.training.trainer import Trainer

FAR = 2.0**127
"""So large that gradients of 16 bits become infinite, and the scale is halved, at every step."""


def in_16_bits(folder: Path, scale: float) -> tuple[Trainer, GradScaler]:
    job, scaler = a_training("pconv", folder), GradScaler("cpu", scale)
    job.fabric = Fabric(accelerator="cpu", plugins=MixedPrecision("16-mixed", "cpu", scaler))
    return job, scaler


def test_a_step_whose_gradient_is_infinite_is_left_out(tmp_path: Path):
    job, scaler = in_16_bits(tmp_path, FAR)
    job.fit(lambda step, values: None)
    assert all(value.isfinite().all() for value in job.method.state_dict().values())
    assert scaler.get_scale() == FAR / 2**STEPS
    assert job.state.skipped_updates == STEPS


def test_a_finite_gradient_is_not_left_out(tmp_path: Path):
    job, _ = in_16_bits(tmp_path, 1.0)
    job.fit(lambda step, values: None)
    assert job.state.skipped_updates == 0


def test_a_loss_that_is_no_number_ends_it(tmp_path: Path):
    job, _ = in_16_bits(tmp_path, 1.0)
    job.terms["tv"] = lambda ctx: ctx.prediction.mean() / 0
    with pytest.raises(NonFiniteError, match="loss term tv"):
        job.fit(lambda step, values: None)


def test_it_goes_on_with_the_scale_that_it_was_interrupted_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupt(step: int, values: dict[str, float]) -> None:
        if step == 4:  # the last checkpoint was written after the third step
            raise KeyboardInterrupt

    save_after_every_step(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        in_16_bits(tmp_path, FAR)[0].fit(interrupt)
    job, scaler = in_16_bits(tmp_path, FAR)
    job.fit(lambda step, values: None)
    assert scaler.get_scale() == FAR / 2**STEPS
    assert job.state.skipped_updates == STEPS, "those before the interruption count, too"
