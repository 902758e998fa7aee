"""The key of a cell: everything that its weights depend on. Cells with equal keys share a folder."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import bench_core
from bench_core.data.pairs import TrainPairs
from bench_core.data.validate import ValidatedImages
from bench_core.methods.method import Guide
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.specs import Reference
from bench_core.system import files
from bench_core.training.schedule import num_images_drawn

CORE = Path(bench_core.__file__).parent
BUILDS = ("nn", "methods/method.py", "weights")
"""Sources of the core that every method's network depends on."""
TRAINS = ("data", "images.py", "losses", "masks/mask_set.py", "recipe.py", "seeds.py", "training")
"""Sources of the core that trained weights depend on, too. Subfolders, such as the trackers, do not matter."""


def cell_key(
    plugin: Plugin,
    variant: Variant,
    pairs: TrainPairs,
    images: ValidatedImages,
    arithmetic: str,
    guide: Guide | None,
) -> dict[str, Any]:
    """Return the key as plain data. The key of a method that is not trained here holds nothing about training."""
    assert plugin.module, "a variant comes from a loaded plugin"
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
    references = [model.build, *filter(None, [model.guide])]
    if variant.weights:
        key |= {"weights": files.sha256(variant.weights), "precision": arithmetic}
    elif recipe:
        references += [loss.term for loss in variant.losses.values()]
        references += [mask_set.family.draw for mask_set in pairs.holes]
        key |= {
            "recipe": recipe.as_dict(),
            "loss_parameters": {term: dict(loss.parameters) for term, loss in variant.losses.items()},
            "image_set": protocol.image_set,
            "images": images.drawn_digest(pairs, num_images_drawn(recipe, protocol, protocol.steps)),
            "size": protocol.size,
            "resize": protocol.resize,
            "masks": [mask_set.identity for mask_set in pairs.holes],
            "steps": protocol.steps,
            "batch": protocol.batch,
            "backbone": protocol.backbone if variant.backbones else None,
            "precision": arithmetic,
            "curves": [protocol.curve_every, protocol.curve_images],
        }
    core = (*BUILDS, *TRAINS) if recipe else BUILDS
    key["sources"] = dict(sorted([*_core_sources(core), *_package_sources(plugin.module.__name__, references)]))
    return key


def _core_sources(names: Iterable[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        path = CORE / name
        sources = sorted(path.glob("*.py")) if path.is_dir() else [path]
        yield f"bench_core/{name}", source_hash(tuple(sources), CORE)


def _package_sources(plugin: str, references: Iterable[Reference]) -> Iterator[tuple[str, str]]:
    """Hash the package of a plugin, and every other package that a reference leads to, except the core."""
    modules = [plugin, *(reference.partition(":")[0] for reference in references)]
    for package in sorted({module.partition(".")[0] for module in modules} - {"bench_core"}):
        module = sys.modules.get(package) or import_module(package)
        assert module.__file__, "a plugin is a package or a module with source"
        file = Path(module.__file__)
        sources = sorted(file.parent.rglob("*.py")) if file.name == "__init__.py" else [file]
        yield package, source_hash(tuple(sources), file.parent)


@cache
def source_hash(sources: tuple[Path, ...], root: Path) -> str:
    """Return the sha256 of Python files and their paths below `root`."""
    summary = hashlib.sha256()
    for source in sources:
        summary.update(f"{source.relative_to(root)}\0".encode())
        summary.update(hashlib.sha256(source.read_bytes()).digest())
    return summary.hexdigest()
