"""The training loop: its phases and batches, how it goes on, and what it does when numbers run away."""

import contextlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric

from bench_core.data.pairs import TrainPairs
from bench_core.masks.mask_set import open_sets
from bench_core.methods import LossContext, Method
from bench_core.methods.variants import apply_overrides
from bench_core.nn.backbones import Backbones
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.recipe import Optimiser, Phase, Recipe, Update
from bench_core.specs import resolve
from bench_core.training import checkpoint, trainer
from bench_core.training.nan_guard import NonFiniteError
from bench_core.training.schedule import num_images_drawn, schedule
from bench_core.training.trainer import Trainer

PLUGINS = Plugins.find()
PLUGINS.load_all()
BACKBONES = Backbones("random")
"""Built once: making them takes seconds."""
STEPS = 6


class Noise:
    """Images in memory."""

    names: Sequence[str] = tuple(f"{number}.png" for number in range(5))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.random.default_rng(index).integers(0, 256, (40, 48, 3), np.uint8)


def a_training(name: str, folder: Path, workers: int = 0, seed: int = 0) -> Trainer:
    protocol = Protocol(
        name="test",
        image_set="noise",
        size=32,
        masks={"center": MaskSpec(family="center_box")},
        steps=STEPS,
        batch=2,
        metrics=("l1",),
        scale="nano",
    )
    variant = apply_overrides(PLUGINS.model(name), PLUGINS.records("losses"))
    torch.manual_seed(0)
    method: Method = resolve(variant.model.build)("nano", 3, **variant.model.options)
    holes = list(open_sets(protocol.masks, PLUGINS.records("masks")).values())
    pairs = TrainPairs(protocol, Noise(), holes, seed)
    return Trainer(Fabric(accelerator="cpu"), method, variant, pairs, BACKBONES, folder, workers)


def save_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(trainer, "CHECKPOINT_SHARE", float("inf"))


def trained(name: str, folder: Path) -> dict[str, torch.Tensor]:
    job = a_training(name, folder)
    job.fit(lambda step, values: None)
    return {key: value.clone() for key, value in job.method.state_dict().items()}


@pytest.mark.parametrize("name", ["pconv", "gated", "dmfn", "glcic", "gradient_attention:adversarial"])
def test_an_interrupted_training_ends_with_the_same_bits(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(trainer, "LOG_STEPS", 1)
    straight = trained(name, tmp_path / "straight")
    save_after_every_step(monkeypatch)

    def interrupt(at: int):
        def advance(step: int, values: dict[str, float]) -> None:
            if step == at:
                raise KeyboardInterrupt

        return advance

    for at in (2, 3, 5, STEPS):  # the last also lies behind the end of a phase
        with pytest.raises(KeyboardInterrupt):
            a_training(name, tmp_path / "broken").fit(interrupt(at))
    broken = trained(name, tmp_path / "broken")
    assert straight.keys() == broken.keys()
    assert all(value.equal(broken[key]) for key, value in straight.items())
    logs = [(tmp_path / folder / "training.jsonl").read_text() for folder in ("straight", "broken")]
    assert logs[0] == logs[1]
    assert [json.loads(line)["step"] for line in logs[0].splitlines()] == list(range(STEPS))


def test_a_steps_randomness_depends_on_the_seed_and_the_step_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save_after_every_step(monkeypatch)

    def drawn(folder: str, stop: int | None = None, seed: int = 0) -> list[float]:
        job, num_images_drawn = a_training("pconv", tmp_path / folder, seed=seed), []
        plain = job.terms["tv"]

        def noted(ctx: LossContext) -> torch.Tensor:
            num_images_drawn.append(torch.rand(()).item())
            return plain(ctx)

        job.terms["tv"] = noted

        def advance(step: int, values: dict[str, float]) -> None:
            torch.rand(step)  # others may draw, too
            if step == stop:
                raise KeyboardInterrupt

        with contextlib.suppress(KeyboardInterrupt):
            job.fit(advance)
        return num_images_drawn

    straight = drawn("straight")
    assert len({*straight, *drawn("other", seed=1)}) == 2 * STEPS
    assert drawn("broken", stop=4) == straight[:4]
    assert drawn("broken") == straight[3:]  # the last checkpoint was written after step 2


def test_phases_are_announced_to_the_method(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    job = a_training("pconv", tmp_path)
    entered = []
    monkeypatch.setattr(type(job.method), "start_phase", lambda self, phase: entered.append(phase))
    job.fit(lambda step, values: None)
    assert entered == ["train", "finetune"]


def test_workers_change_nothing(tmp_path: Path):
    alone = trained("pconv", tmp_path / "alone")
    job = a_training("pconv", tmp_path / "helped", workers=2)
    job.fit(lambda step, values: None)
    assert all(value.equal(alone[key]) for key, value in job.method.state_dict().items())


def test_updates_of_one_network_by_one_optimiser_share_its_moments(tmp_path: Path):
    """Five rounds of the critic are five steps of one Adam."""
    job = a_training("gradient_attention:adversarial", tmp_path)
    job.fit(lambda step, values: None)
    counted = {
        len(list(optimiser.state.values())) and int(next(iter(optimiser.state.values()))["step"])
        for optimiser in job.state.optimisers.values()
    }
    assert counted == {STEPS, 5 * STEPS}


def test_no_gradient_takes_memory_while_a_method_paints(tmp_path: Path):
    job, held = a_training("dmfn", tmp_path), []
    job.method.register_forward_pre_hook(
        lambda method, given: held.append([p.grad is not None for p in method.parameters()])
    )
    job.fit(lambda step, values: None)
    assert len(held) == STEPS and not any(map(any, held))


def test_every_network_is_trained(tmp_path: Path):
    before = a_training("dmfn", tmp_path).method.state_dict()
    after = trained("dmfn", tmp_path)
    for network in ("generator", "discriminator"):
        weights = [key for key in before if key.startswith(network) and key.endswith("weight")]
        assert weights and not any(before[key].equal(after[key]) for key in weights)


def test_a_loss_that_runs_away_is_named_and_the_last_checkpoint_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    save_after_every_step(monkeypatch)
    job = a_training("pconv", tmp_path)
    steps = []
    plain = job.terms["tv"]
    job.terms["tv"] = lambda ctx: plain(ctx) * (float("nan") if len(steps) == 3 else 1)
    with pytest.raises(NonFiniteError, match="loss term tv of the generator became NaN or infinite at step 3"):
        job.fit(lambda step, values: steps.append(step) if step else None)
    state = checkpoint.load_state(tmp_path / "checkpoint.pt")
    assert state is not None and state["step"] == 3
    assert all(value.isfinite().all() for value in state["method"].values())


def test_checkpoints_take_a_small_share_of_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A step takes a second here and a checkpoint five, so the next is begun 250 seconds after it."""
    clock, saved = [0.0], []
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    job = a_training("pconv", tmp_path)
    job.pairs = replace(job.pairs, protocol=job.pairs.protocol.override({"steps": 600}))

    def step(*_: object) -> dict[str, torch.Tensor]:
        clock[0] += 1
        return {}

    def save(path: Path, state: dict[str, Any]) -> None:
        clock[0] += 5
        saved.append(state["step"])

    monkeypatch.setattr(job, "_step", step)
    monkeypatch.setattr(checkpoint, "save_state", save)
    monkeypatch.setattr("bench_core.training.trainer.schedule", lambda recipe, steps: [(recipe.phases[0], 0, steps)])
    job.fit(lambda step, values: None)
    assert saved == [31, 277, 523, 600]


def test_a_gradient_that_runs_away_is_told(tmp_path: Path):
    job = a_training("pconv", tmp_path)
    job.terms["tv"] = lambda ctx: (ctx.prediction - ctx.prediction.detach()).abs().sum().sqrt()
    with pytest.raises(NonFiniteError, match=r"gradient of .*tv of the generator"):
        job.fit(lambda step, values: None)


def two_phases(steps: int) -> Protocol:
    return Protocol(
        name="x", image_set="x", size=8, masks={"m": MaskSpec(family="x")}, steps=steps, batch=3, metrics=("l1",)
    )


def test_phases_share_the_budget_and_leave_nothing_over():
    update = Update("generator", Optimiser("Adam", {"lr": 1.0}), {"l1": 1.0})
    first, second = Phase("a", ((update,),), share=10.0), Phase("b", ((update,), (update,)), share=1.0)
    recipe = Recipe((first, second), "none")
    assert [(phase.name, begin, end) for phase, begin, end in schedule(recipe, 110)] == [("a", 0, 100), ("b", 100, 110)]
    for steps in range(12):
        bounds = [bound for _, *bounds in schedule(recipe, steps) for bound in bounds]
        assert bounds[0] == 0 and bounds[-1] == steps and bounds == sorted(bounds)
    thirds = Recipe((first, replace(first, name="c"), replace(first, name="d")), "none")
    for steps in range(40):
        for number, (_, begin, _) in enumerate(schedule(thirds, steps)):
            assert abs(begin - steps * number / 3) <= 0.5, "bounds are rounded to the nearest step"
    # the second phase draws two batches a step
    assert [num_images_drawn(recipe, two_phases(110), steps) for steps in (0, 100, 105, 110)] == [0, 300, 330, 360]
