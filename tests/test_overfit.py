"""Every method learns: on four images the error in the hole falls far, with all its loss terms and phases."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from lightning_fabric import Fabric
from torch import Tensor

from bench_core.backbones import Backbones
from bench_core.images import Array, Images, resized
from bench_core.masksets import open_sets
from bench_core.method import Method, guided
from bench_core.pairs import TrainPairs, to_floats
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSet, Protocol
from bench_core.specs import Model, resolve
from bench_core.training import Training
from bench_core.variants import vary

PLUGINS = Plugins.find()
PLUGINS.load_all()
MODELS: dict[str, Model] = PLUGINS.records("models")
STEPS = 400
BATCH = 4


def _own_recipes() -> list[str]:
    """Models whose training differs from that of their method's plain form in more than the network."""
    plain = {name: model for name, model in MODELS.items() if ":" not in name}
    return [
        name
        for name, model in MODELS.items()
        if model.recipe and (name in plain or model.recipe != plain[name.partition(":")[0]].recipe or model.guide)
    ]


class FourImages:
    """Crops of photographs, in the channels and of the size that a model takes."""

    names: Sequence[str] = ("a", "b", "c", "d")

    def __init__(self, size: int) -> None:
        self.photos: Images = resolve(PLUGINS.records("image_sets")["photos"].open)(None, "train")
        self.size = size

    def __len__(self) -> int:
        return BATCH

    def __getitem__(self, index: int) -> Array:
        return resized(self.photos[index], self.size)[: self.size, : self.size]


def hole_l1(method: Method, model: Model, pairs: TrainPairs) -> float:
    """Mean absolute error over the holes of one batch: all images, since an epoch shows each once."""
    given = [pairs[position] for position in range(BATCH)]
    batch = torch.utils.data.default_collate(given)
    image, hole, masked = to_floats(batch)
    guide = resolve(model.guide)(torch.device("cpu")) if model.guide else None
    with torch.inference_mode():
        prediction: Tensor = method.eval().predict(masked, hole, *guided(guide, image))
    return float(((prediction - image).abs() * hole).sum() / (hole.sum() * image.shape[1]))


@pytest.mark.parametrize("name", _own_recipes())
def test_the_error_in_the_hole_falls_by_sixty_percent_on_four_images(name: str, tmp_path: Path):
    model = MODELS[name]
    size = model.fixed_size.get("nano", 32)
    protocol = Protocol(
        name="overfit",
        image_set="four",
        size=size,
        channels=1 if 3 not in model.channels else 3,
        masks={"center": MaskSet(family="center_box")},
        steps=STEPS,
        batch=BATCH,
        metrics=("l1",),
        scale="nano",
        backbone="random",
    )
    holes = list(open_sets(protocol.masks, PLUGINS.records("masks")).values())
    pairs = TrainPairs(protocol, FourImages(size), holes, seed=0)
    torch.manual_seed(0)
    variant = vary(model, PLUGINS.records("losses"))
    method: Method = resolve(model.build)("nano", protocol.channels, **model.options)
    before = hole_l1(method, model, pairs)
    guide = resolve(model.guide)(torch.device("cpu")) if model.guide else None
    fabric = Fabric(accelerator="cpu")
    training = Training(fabric, method, variant, pairs, Backbones("random"), tmp_path, guide=guide)
    training.run(lambda step, values: None)
    after = hole_l1(method, model, pairs)
    assert after <= 0.4 * before, f"{before:.4f} before, {after:.4f} after {STEPS} steps"
    phases = {phase.name for phase in model.recipe.phases} if model.recipe else set()
    logged = (tmp_path / "training.jsonl").read_text()
    assert phases and all(f'/{term}"' in logged for term in variant.losses)
