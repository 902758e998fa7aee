"""All that a cell's weights depend on. Two cells are the same, and share a folder, where all of it is."""

from typing import Any

from bench_core import __version__
from bench_core.data.pairs import TrainPairs
from bench_core.data.validate import ValidatedImages
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.system import environment, files
from bench_core.training.schedule import num_images_drawn


def identity(
    plugin: Plugin, variant: Variant, pairs: TrainPairs, images: ValidatedImages, arithmetic: str, guide: str
) -> dict[str, Any]:
    """As plain data. What learns nothing depends on no training."""
    assert plugin.module, "a variant comes from a loaded plugin"
    protocol, recipe = pairs.protocol, variant.model.recipe
    known = {
        "inpaint-bench": __version__,
        "plugin": plugin.name,
        "plugin_version": plugin.version,
        "plugin_source": environment.source_hash(plugin.module),
        "method": variant.model.shares_weights_with or variant.model.name,
        "variant": variant.shares_weights_with,
        "options": dict(variant.model.options),
        "seed": pairs.seed,
        "scale": protocol.scale,
        "channels": protocol.channels,
        "guide": guide,
    }
    if variant.weights:
        return {**known, "weights": files.sha256(variant.weights), "precision": arithmetic}
    if recipe is None:
        return known
    return {
        **known,
        "recipe": recipe.as_dict(),
        "loss_parameters": {term: dict(loss.parameters) for term, loss in variant.losses.items()},
        "image_set": protocol.image_set,
        "images": images.drawn_digest(pairs, num_images_drawn(recipe, protocol, protocol.steps)),
        "size": protocol.size,
        "resize": protocol.resize,
        "masks": [mask_set.identity for mask_set in pairs.mask_sets],
        "steps": protocol.steps,
        "batch": protocol.batch,
        "backbone": protocol.backbone if variant.backbones else None,
        "precision": arithmetic,
        "curves": [protocol.curve_every, protocol.curve_images],
    }
