"""The key of a cell: everything that its weights depend on. Cells with equal keys share a folder."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

import bench_core
from bench_core.data.pairs import TrainPairs
from bench_core.data.validate import ValidatedImages
from bench_core.experiment.options import RuntimeConfig
from bench_core.masks.mask_set import MaskSet
from bench_core.methods.method import Guide, Method
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.protocol import Protocol
from bench_core.specs import Model, resolve
from bench_core.system import files, sources
from bench_core.training.schedule import num_images_drawn

BUILDS = ("nn", "methods/method.py", "weights")
"""Sources of the core that every method's network depends on."""
TRAINS = (
    "data",
    "images.py",
    "losses",
    "masks/mask_images.py",
    "masks/mask_set.py",
    "recipe.py",
    "seeds.py",
    "training",
)
"""Sources of the core that trained weights depend on, too. Subfolders, such as the trackers, do not matter."""
LIBRARIES = ("torch", "torchvision", "lightning-fabric", "numpy", "scipy", "opencv-python-headless", "pillow")
"""Libraries that compute in every method. Those that a plugin requires count, too."""


def cell_key(
    plugin: Plugin,
    variant: Variant,
    pairs: TrainPairs,
    images: ValidatedImages,
    runtime: RuntimeConfig,
    guide: Guide | None,
) -> dict[str, Any]:
    """Return the key as plain data. The key of a method that is not trained here holds nothing about training."""
    protocol, model, recipe = pairs.protocol, variant.model, variant.model.recipe
    key: dict[str, Any] = {
        "inpaint-bench": bench_core.__version__,
        "plugin": plugin.name,
        "plugin_version": plugin.version,
        "method": model.shares_weights_with or model.name,
        "variant": variant.shares_weights_with,
        "options": dict(model.options),
        "seed": pairs.seed,
        "scale": protocol.scale,
        "channels": protocol.channels,
        "guide": guide.name if guide else "",
    }
    if variant.weights:
        key |= {"weights": files.sha256(variant.weights), "precision": runtime.arithmetic}
    elif recipe:
        key |= {
            "recipe": recipe.as_dict(),
            "loss_parameters": {term: dict(loss.parameters) for term, loss in variant.losses.items()},
            "image_set": protocol.image_set,
            "images": images.drawn_digests(pairs, num_images_drawn(recipe, protocol, protocol.steps)),
            "size": protocol.size,
            "resize": protocol.resize,
            "masks": [mask_set.identity for mask_set in pairs.mask_sets],
            "steps": protocol.steps,
            "batch": protocol.batch,
            "normalised_together": normalised_together(model, protocol, runtime),
            "backbone": protocol.backbone if variant.backbones else None,
            "precision": runtime.arithmetic,
            "curves": [protocol.curve_every, protocol.curve_images],
        }
    key["sources"] = code(plugin, variant, pairs.mask_sets)
    key["libraries"] = sources.library_versions(*LIBRARIES, *plugin.requirements)
    return key


def code(plugin: Plugin, variant: Variant, mask_sets: Iterable[MaskSet]) -> dict[str, str]:
    """Return the hashes of all sources that a variant's weights depend on.

    Files are hashed once in a process. Call it before a long run, in which someone may edit them.
    """
    assert plugin.module, "a variant comes from a loaded plugin"
    model = variant.model
    references = [plugin.module.__name__, model.build, *filter(None, [model.guide, model.postprocess])]
    if not model.recipe:
        return sources.core_sources(BUILDS) | sources.package_sources(references)
    references += [loss.term for loss in variant.losses.values()]
    families = [mask_set.family for mask_set in mask_sets]
    references += [reference for family in families for reference in (family.draw, family.content) if reference]
    return sources.core_sources((*BUILDS, *TRAINS)) | sources.package_sources(references)


def normalised_together(model: Model, protocol: Protocol, runtime: RuntimeConfig) -> int | str | None:
    """Return the number of images that batch norm sees together in training; "auto" if memory decides.

    None if it sees the whole batch, or if the networks have neither batch norm nor another layer that mixes images.
    """
    if model.batch_dependent:
        runtime = replace(runtime, sync_batchnorm=False)  # which leaves other layers to each device
    together = runtime.images_together(protocol.batch)
    if together == protocol.batch or not model.recipe:
        return None
    mixes = model.batch_dependent or _has_batch_norm(model, protocol.scale, protocol.channels)
    return together if mixes else None


def _has_batch_norm(model: Model, scale: str, channels: int) -> bool:
    try:
        with torch.device("meta"):  # no memory and no random numbers
            method: Method = resolve(model.build)(scale, channels, **model.options)
    except Exception:  # foreign code; the safe answer costs a training at worst
        return True
    return any(isinstance(module, _BatchNorm) for module in method.modules())
