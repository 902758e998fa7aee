"""Every method learns: on four images the error in the hole falls far, with all its loss terms and phases."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from skimage import data
from torch import Tensor

from bench_core.data.pairs import TrainPairs, to_floats
from bench_core.images import Array
from bench_core.masks.mask_set import open_sets
from bench_core.methods import Method, guided
from bench_core.methods.variants import apply_overrides
from bench_core.nn.backbones import Backbones
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Model, resolve
from bench_core.training.trainer import Trainer

PLUGINS = Plugins.find()
PLUGINS.load_all()
BACKBONES = Backbones("random")
"""Built once: making them takes seconds."""
MODELS: dict[str, Model] = PLUGINS.records("models")
BATCH, SIZE = 4, 64
STEPS = {"pconv": 120, "dmfn": 100, "gated": 300, "gated:guided": 300, "gradient_attention:mnist": 500}
"""By name; others take `MOST`. Adversarial trainings swing, so the best of several looks counts."""
MOST, POLL_SECONDS = 200, 20


def _own_recipes() -> list[str]:
    """Models whose training differs from that of their method's plain form in more than the network."""
    plain = {name: model for name, model in MODELS.items() if ":" not in name}
    return [
        name
        for name, model in MODELS.items()
        if model.recipe and (name in plain or model.recipe != plain[name.partition(":")[0]].recipe or model.guide)
    ]


class FourImages:
    """Windows of one photograph, of the size that a model takes."""

    names: Sequence[str] = ("a", "b", "c", "d")
    corners = ((0, 384), (160, 192), (64, 32), (0, 256))

    def __init__(self, size: int) -> None:
        self.photo = data.chelsea()
        self.size = size

    def __len__(self) -> int:
        return BATCH

    def __getitem__(self, index: int) -> Array:
        top, left = self.corners[index]
        return self.photo[top : top + self.size, left : left + self.size]


SLOW = {"dmfn", "gated", "glcic", "pconv"}
"""Methods that take half a minute or more."""


def hole_l1(method: Method, model: Model, pairs: TrainPairs) -> float:
    """Mean absolute error over the holes of one batch: all images, since an epoch shows each once."""
    given = [pairs[position] for position in range(BATCH)]
    batch = torch.utils.data.default_collate(given)
    image, hole, masked = to_floats(batch)
    guide = resolve(model.guide)(torch.device("cpu")) if model.guide else None
    with torch.inference_mode():
        prediction: Tensor = method.eval().predict(masked, hole, *guided(guide, image))
    return float(((prediction - image).abs() * hole).sum() / (hole.sum() * image.shape[1]))


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.long if ":" in name or name in SLOW else ()) for name in _own_recipes()],
)
def test_the_error_in_the_hole_falls_by_sixty_percent_on_four_images(name: str, tmp_path: Path):
    model = MODELS[name]
    scale = "paper" if name == "gradient_attention:mnist" else "nano"  # at its learning rate, narrow layers crawl
    size = model.fixed_size.get(scale, SIZE)
    protocol = Protocol(
        name="overfit",
        image_set="four",
        size=size,
        channels=1 if 3 not in model.channels else 3,
        masks={"center": MaskSpec(family="center_box")},
        steps=STEPS.get(name, MOST),
        batch=BATCH,
        metrics=("l1",),
        scale=scale,
        backbone="random",
        curve_every=POLL_SECONDS,
    )
    holes = list(open_sets(protocol.masks, PLUGINS.records("masks")).values())
    pairs = TrainPairs(protocol, FourImages(size), holes, seed=0)
    torch.manual_seed(0)
    variant = apply_overrides(model, PLUGINS.records("losses"))
    method: Method = resolve(model.build)(scale, protocol.channels, **model.options)
    guide = resolve(model.guide)(torch.device("cpu")) if model.guide else None
    fabric = Fabric(accelerator="cpu")
    training = Trainer(fabric, method, variant, pairs, BACKBONES, tmp_path, guide=guide)
    seen: list[float] = []
    training.on_curve = lambda step: seen.append(hole_l1(method, model, pairs))
    training.fit(lambda step, values: None)
    assert min(seen[1:]) <= 0.4 * seen[0], seen
    phases = {phase.name for phase in model.recipe.phases} if model.recipe else set()
    logged = (tmp_path / "training.jsonl").read_text()
    assert phases and all(f'/{term}"' in logged for term in variant.losses)
