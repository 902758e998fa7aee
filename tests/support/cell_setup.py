"""A plugin, its variant and everything else that a cell's key is made of; and copies of the sources behind it."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest

from bench_core import Loss, Model, Optimiser, Phase, Recipe, Update
from bench_core.data.digest_cache import DigestTable
from bench_core.data.pairs import TrainPairs
from bench_core.data.validate import ValidatedImages
from bench_core.experiment.cell_key import cell_key
from bench_core.experiment.options import RuntimeConfig
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.methods.variants import Overrides, Variant, apply_overrides
from bench_core.plugins import Plugin, Plugins
from bench_core.protocol import Protocol, load
from bench_core.system import sources

RECIPE = Recipe((Phase("train", ((Update("generator", Optimiser("SGD", {"lr": 1.0}), {"l1": 1.0}),),)),), "none")
LOSS = Loss("l1", "", "bench_core.losses.reconstruction:l1", "vgg16", {"p": 1})
MODEL = Model("m", "T", "C", "normalised_method:build", RECIPE, options={"depth": 1})
BASE = load("quick").override({"steps": 3, "batch": 2, "metrics": ("l1", "psnr"), "seeds": (0, 1)})
FAMILIES = Plugins.all().records("masks")


class Colours:
    """Nine images, each of one colour."""

    names: Sequence[str] = tuple(f"{number}.png" for number in range(9))

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        return np.full((8, 8, 3), index, np.uint8)


def digests(*edited: int) -> DigestTable:
    """The digests of nine images, of which some were edited."""
    return DigestTable.from_items((i, (sha256(f"{i}{i in edited}".encode()).digest(),)) for i in range(9))


def validated(*edited: int) -> ValidatedImages:
    return ValidatedImages(Colours(), Colours(), digests(*edited), "digest of the test images")


class Setup:
    """A plugin, its variant and everything else that a key is made of. Fields are replaced one at a time."""

    def __init__(self, **changes: Any) -> None:
        self.protocol: Protocol = changes.pop("protocol", BASE)
        self.model: Model = changes.pop("model", MODEL)
        self.overrides: Overrides = changes.pop("overrides", Overrides())
        self.losses = changes.pop("losses", {"l1": LOSS})
        self.runtime: RuntimeConfig = changes.pop("runtime", RuntimeConfig())
        self.seed: int = changes.pop("seed", 0)
        self.images: ValidatedImages = changes.pop("images", validated())
        self.mask_sets: list[MaskSet] = changes.pop("mask_sets", family())
        self.guide = changes.pop("guide", None)
        self.weights: Path | None = changes.pop("weights", None)
        module, requires = import_module("normalised_method"), changes.pop("requires", [])
        self.plugin: Any = Mock(spec=Plugin, module=module, version="1", requirements=requires)
        self.plugin.name = changes.pop("plugin", "plugin")
        assert not changes

    @property
    def variant(self) -> Variant:
        variant = apply_overrides(self.model, self.losses, self.overrides)
        return (
            replace(variant, weights=self.weights, model=replace(variant.model, recipe=None))
            if self.weights
            else variant
        )

    def key(self) -> dict[str, Any]:
        pairs = TrainPairs(self.protocol, self.images.train, self.mask_sets, self.seed)
        return cell_key(self.plugin, self.variant, pairs, self.images, self.runtime, self.guide)


def guide(name: str) -> Any:
    drawn = Mock(spec=["name", "__call__"])
    drawn.name = name
    return drawn


def family(**changes: Any) -> list[MaskSet]:
    """The mask sets of the protocol, the last with changed parameters."""
    *others, last = open_sets(BASE.masks, FAMILIES).values()
    return [*others, replace(last, parameters={**last.parameters, **changes})]


def optimised(**changes: Any) -> Model:
    """The model with another optimiser, update or phase."""
    (phase,) = RECIPE.phases
    update = replace(
        phase.updates[0], **{name: value for name, value in changes.items() if name in ("network", "losses")}
    )
    optimiser = {name: value for name, value in changes.items() if name in ("name", "settings")}
    update = replace(update, optimiser=replace(update.optimiser, **optimiser))
    rounds = ((update,),) * changes.get("rounds", 1)
    phases = (replace(phase, rounds=rounds, name=changes.get("phase", "train"), share=changes.get("share", 1.0)),)
    return replace(MODEL, recipe=replace(RECIPE, phases=phases * changes.get("repeat", 1)))


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A copy of the core's sources, from which keys are made."""
    copied = shutil.copytree(sources.CORE, tmp_path / "bench_core", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(sources, "CORE", copied)
    return copied


def edit(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.write("# edited\n")
    sources._content_hash.cache_clear()
    sources._imports.cache_clear()


PACKAGES = ("bench_method", "bench_loss", "bench_guide", "bench_family", "bench_content", "bench_post", "local_layers")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Packages of several plugins. The method's imports a local one that no plugin names."""
    monkeypatch.syspath_prepend(tmp_path)
    for package in (*PACKAGES, "bench_unused"):
        (tmp_path / package / "deep").mkdir(parents=True)
        (tmp_path / package / "__init__.py").write_text("")
        (tmp_path / package / "deep" / "code.py").write_text("x = 1\n")
        (tmp_path / package / "kernel.json").write_text("[]")
        monkeypatch.delitem(sys.modules, package, raising=False)
    (tmp_path / "bench_method" / "deep" / "code.py").write_text("import torch\nfrom local_layers import deep\n")
    sources._imports.cache_clear()
    return tmp_path


PROTOCOL_CHANGES: dict[str, Any] = {
    "image_set": "folder", "size": 32, "resize": 65, "channels": 1, "steps": 4, "batch": 4, "scale": "paper",
    "backbone": "official", "curve_every": 2, "curve_images": 1,
}  # fmt: skip
SAME_WEIGHTS: dict[str, Any] = {
    "name": "other", "title": "Other", "crops": 2, "test_images": 1, "seed": 5, "seeds": (0,), "metrics": ("l2",),
    "test_masks": ("center",),
}  # fmt: skip
