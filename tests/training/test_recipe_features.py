"""What a recipe may ask of its updates: rare steps, schedules, clipped gradients, and an average of the weights."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.small_training import small_training

from bench_core.recipe import Average, Optimiser, Phase, Recipe, Schedule, Update, lazy
from bench_core.training import trainer
from bench_core.training.trainer import Trainer

STEPS = 6
SGD = Optimiser("SGD", {"lr": 0.5})
ADAM = Optimiser("Adam", {"lr": 1e-3, "betas": (0.5, 0.9)})


def a_training(folder: Path, *updates: Update, average: Average | None = None, **fields: Any) -> Trainer:
    training = small_training("gradient_attention:adversarial", folder, steps=STEPS, batch=2, **fields)
    recipe = Recipe((Phase("train", (updates,)),), "", average=average)
    variant = training.variant
    training.variant = replace(variant, model=replace(variant.model, recipe=recipe))
    return training


def weights(training: Trainer) -> list[torch.Tensor]:
    return [parameter.detach().clone() for parameter in training.method.generator.parameters()]


def watched(training: Trainer) -> list[tuple[int, str, float]]:
    """Train, and return the step, network and learning rate of each update."""
    seen: list[tuple[int, str, float]] = []
    step = training.optimizer_step

    def watching(next_batch: Any, update: Update, optimiser: Any, number: int) -> Any:
        seen.append((number, update.network, optimiser.param_groups[0]["lr"]))
        return step(next_batch, update, optimiser, number)

    training.__dict__["optimizer_step"] = watching
    watching.raise_failures, watching.skipped = step.raise_failures, step.skipped  # type: ignore[attr-defined]
    training.fit(lambda step, values: None)
    return seen


@pytest.mark.parametrize(
    ("schedule", "factors"),
    [
        (Schedule(((0.5, 1.0), (1.0, 0.0))), {0.0: 1.0, 0.25: 1.0, 0.5: 1.0, 0.75: 0.5, 0.9: 0.2}),
        (
            Schedule(((0.2, 0.1), (0.6, 0.01)), linear=False),
            {0.0: 1.0, 0.19: 1.0, 0.2: 0.1, 0.59: 0.1, 0.6: 0.01},
        ),
        (Schedule(((0.0, 0.0), (0.5, 1.0))), {0.0: 0.0, 0.25: 0.5, 0.5: 1.0, 1.0: 1.0}),
    ],
)
def test_a_schedule_goes_through_its_points(schedule: Schedule, factors: dict[float, float]):
    assert {at: schedule.factor(at) for at in factors} == pytest.approx(factors)


def test_each_update_takes_the_learning_rate_of_its_step(tmp_path: Path):
    falling = replace(SGD, schedule=Schedule(((0.5, 1.0), (1.0, 0.0))))
    rates = [rate for _, _, rate in watched(a_training(tmp_path, Update("generator", falling, {"l1": 1.0})))]
    assert rates == pytest.approx([0.5, 0.5, 0.5, 0.5, 0.5 * 2 / 3, 0.5 / 3])


def test_a_rare_update_is_taken_in_every_nth_step(tmp_path: Path):
    rare = Update("critic", SGD, {"critic": 1.0}, every=4)
    seen = watched(a_training(tmp_path, rare, Update("generator", SGD, {"l1": 1.0})))
    assert [step for step, network, _ in seen if network == "critic"] == [0, 4]
    assert [step for step, network, _ in seen if network == "generator"] == list(range(STEPS))


def test_adam_is_corrected_for_rare_further_steps():
    """The constants of StyleGAN2's discriminator, regularised after every 16 steps."""
    corrected = lazy(Optimiser("Adam", {"lr": 0.002, "betas": (0.0, 0.99), "eps": 1e-8}), 16)
    assert corrected.settings["lr"] == pytest.approx(0.0018823529)
    assert corrected.settings["betas"] == pytest.approx((0.0, 0.9905854573))
    assert corrected.settings["eps"] == 1e-8


@pytest.mark.parametrize("max_norm", [1e-3, 1e6, None])
def test_a_gradient_is_scaled_to_its_longest_norm(max_norm: float | None, tmp_path: Path):
    def moved(optimiser: Optimiser, folder: Path) -> torch.Tensor:
        training = small_training("gradient_attention:adversarial", folder, steps=1, batch=2)
        recipe = Recipe((Phase("train", ((Update("generator", optimiser, {"l1": 1.0}),),)),), "")
        training.variant = replace(training.variant, model=replace(training.variant.model, recipe=recipe))
        before = [p.detach().clone() for p in training.method.generator.parameters()]
        training.fit(lambda step, values: None)
        return torch.cat(
            [(p - q).flatten() for p, q in zip(training.method.generator.parameters(), before, strict=True)]
        )

    free = moved(SGD, tmp_path / "free")
    found = moved(replace(SGD, max_norm=max_norm), tmp_path / "clipped")
    longest = 0.5 * (max_norm or 1e9)
    torch.testing.assert_close(found, free * min(1.0, longest / free.norm().item()), rtol=1e-3, atol=3e-8)


def test_the_average_is_stored_and_evaluated_while_the_last_weights_go_on(tmp_path: Path):
    update, average = Update("generator", SGD, {"l1": 1.0}), Average(decay=0.7)
    plain = a_training(tmp_path / "plain", update, curve_every=2)
    expected = weights(plain)
    averages: dict[int, list[torch.Tensor]] = {0: [p.clone() for p in expected]}

    def follow(step: int, values: dict[str, float]) -> None:
        if step:
            for mean, p in zip(expected, plain.method.generator.parameters(), strict=True):
                mean.mul_(0.7).add_(p.detach(), alpha=0.3)
            averages[step] = [mean.clone() for mean in expected]

    plain.fit(follow)
    training = a_training(tmp_path / "averaged", update, average=average, curve_every=2)
    seen: dict[int, list[torch.Tensor]] = {}
    training.on_curve = lambda step: seen.update(
        {step: [p.detach().clone() for p in training.method.generator.parameters()]}
    )
    training.fit(lambda step, values: None)
    for step in (0, 2, 4, 6):
        torch.testing.assert_close(seen[step], averages[step], rtol=1e-5, atol=1e-7)
    torch.testing.assert_close(
        [p.detach() for p in training.method.generator.parameters()], averages[6], rtol=1e-5, atol=1e-7
    )


def test_a_half_life_in_images_grows_with_those_seen():
    """After as many images as the half-life, half of the average stays; at first it is shorter."""
    average = Average(half_life=10.0, ramp=0.05)
    assert average.kept(10**6, 100) ** 100 == pytest.approx(0.5)
    assert average.kept(100, 100) ** 5 == pytest.approx(0.5)
    assert average.kept(0, 100) == 0.0
    assert Average(half_life=10.0).kept(0, 100) ** 100 == pytest.approx(0.5)


def test_an_interrupted_training_with_all_of_them_ends_with_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", -1)
    monkeypatch.setattr(trainer, "CHECKPOINT_SHARE", float("inf"))
    falling = replace(ADAM, schedule=Schedule(((0.0, 1.0), (1.0, 0.0))), max_norm=0.1)
    updates = (Update("critic", ADAM, {"critic": 1.0}, every=2), Update("generator", falling, {"l1": 1.0}))

    def trained(folder: Path) -> Trainer:
        return a_training(folder, *updates, average=Average(0.9))

    def interrupt(step: int, values: dict[str, float]) -> None:
        if step == 3:
            raise KeyboardInterrupt

    straight, broken = trained(tmp_path / "straight"), trained(tmp_path / "broken")
    straight.fit(lambda step, values: None)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(interrupt)
    resumed = trained(tmp_path / "broken")
    resumed.fit(lambda step, values: None)
    torch.testing.assert_close(resumed.method.state_dict(), straight.method.state_dict(), rtol=0, atol=0)


def test_show_says_what_is_unusual_about_an_update():
    from bench_core.cli.show import _ways

    unusual = replace(SGD, schedule=Schedule(((0.5, 1.0), (1.0, 0.0))), max_norm=2.0)
    update = asdict(Update("critic", unusual, {"critic": 1.0}, every=16))
    assert list(_ways(update | update["optimiser"])) == [
        "in every 16th step",
        "gradient clipped to the norm 2",
        "learning rate times 1 at 50%, 0 at 100% of the training, linear",
    ]
    plain = asdict(Update("critic", SGD, {"critic": 1.0}))
    assert not list(_ways(plain | plain["optimiser"]))
