"""Trainings of every installed model on four photographs, small enough for a test."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from skimage import data

from bench_core.data.pairs import TrainPairs
from bench_core.images import Array
from bench_core.masks.mask_set import open_sets
from bench_core.methods import Method
from bench_core.methods.variants import apply_overrides
from bench_core.nn.backbones import Backbones
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Model, Scale, resolve
from bench_core.training.trainer import Trainer

PLUGINS = Plugins.find()
PLUGINS.load_all()
MODELS: dict[str, Model] = PLUGINS.records("models")
TRAINED = [name for name, model in MODELS.items() if model.recipe]
BACKBONES = Backbones("random")
"""Built once: making them takes seconds."""
NUM_IMAGES, SIZE = 4, 64


class FourImages:
    """Windows of one photograph, of the size that a model takes."""

    names: Sequence[str] = ("a", "b", "c", "d")
    corners = ((0, 384), (160, 192), (64, 32), (0, 256))

    def __init__(self, size: int) -> None:
        self.photo = data.chelsea()
        self.size = size

    def __len__(self) -> int:
        return NUM_IMAGES

    def __getitem__(self, index: int) -> Array:
        top, left = self.corners[index]
        return self.photo[top : top + self.size, left : left + self.size]


def scale_of(name: str) -> Scale:
    """Return the scale at which a model trains fast enough: narrow layers crawl at the learning rate of the digits."""
    return "paper" if name == "gradient_attention:mnist" else "nano"


def small_training(name: str, folder: Path, **fields: Any) -> Trainer:
    """Build the training of a model, with central holes; `fields` are those of its protocol."""
    model, scale = MODELS[name], scale_of(name)
    size = model.fixed_size.get(scale, SIZE)
    protocol = Protocol(
        name="small",
        image_set="four",
        size=size,
        channels=1 if 3 not in model.channels else 3,
        masks={"center": MaskSpec(family="center_box")},
        metrics=("l1",),
        scale=scale,
        backbone="random",
        **fields,
    )
    holes = list(open_sets(protocol.masks, PLUGINS.records("masks")).values())
    pairs = TrainPairs(protocol, FourImages(size), holes, seed=0)
    torch.manual_seed(0)
    method: Method = resolve(model.build)(scale, protocol.channels, **model.options)
    guide = resolve(model.guide)(torch.device("cpu")) if model.guide else None
    variant = apply_overrides(model, PLUGINS.records("losses"))
    return Trainer(Fabric(accelerator="cpu"), method, variant, pairs, BACKBONES, folder, guide=guide)
