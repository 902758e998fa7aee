"""Every method learns: on four images the error in the hole falls far, with all its loss terms and phases."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.small_training import MODELS, NUM_IMAGES, TRAINED, small_training
from torch import Tensor

from bench_core.data.pairs import to_floats
from bench_core.methods import guided
from bench_core.training.trainer import Trainer

STEPS = {
    "aot_gan": 60,
    "contextual_attention": 60,
    "dmfn": 100,
    "gated": 300,
    "gated:guided": 300,
    "gmcnn": 280,
    "gmcnn:tf": 80,
    "gradient_attention:mnist": 500,
    "pconv": 120,
    "picnet": 120,
    "region_norm": 60,
}
"""By name; others take `MOST`. Adversarial trainings swing, so the best of several looks counts."""
MOST, POLL_SECONDS = 200, 20
QUICK = {"gradient_attention"}
"""Methods that `make test` trains; the others take ten seconds or more."""


def _own_recipes() -> list[str]:
    """Models whose training differs from that of their method's plain form in more than the network."""
    plain = {name: model for name, model in MODELS.items() if ":" not in name}
    return [
        name
        for name in TRAINED
        if name in plain or MODELS[name].recipe != plain[name.partition(":")[0]].recipe or MODELS[name].guide
    ]


def hole_l1(training: Trainer) -> float:
    """Mean absolute error over the holes of one batch: all images, since an epoch shows each once."""
    batch = torch.utils.data.default_collate([training.pairs[position] for position in range(NUM_IMAGES)])
    image, hole, masked = to_floats(batch)
    guidance = guided(training.guide, image, image.device)
    with torch.inference_mode():
        prediction: Tensor = training.method.eval().predict(masked, hole, *guidance)
    return float(((prediction - image).abs() * hole).sum() / (hole.sum() * image.shape[1]))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=() if name in QUICK else pytest.mark.long) for name in _own_recipes()],
)
def test_the_error_in_the_hole_falls_by_sixty_percent_on_four_images(name: str, tmp_path: Path):
    fields: dict[str, Any] = {"steps": STEPS.get(name, MOST), "batch": NUM_IMAGES, "curve_every": POLL_SECONDS}
    training = small_training(name, tmp_path, **fields)
    seen: list[float] = []
    training.on_curve = lambda step: seen.append(hole_l1(training))
    training.fit(lambda step, values: None)
    assert min(seen[1:]) <= 0.4 * seen[0], seen
    assert {phase.name for phase in training.recipe.phases}
    logged = (tmp_path / "training.jsonl").read_text()
    assert all(f'/{term}"' in logged for term in training.variant.losses)
