"""Lists the methods to choose from: training-free ones, those with given weights, and trained cells of a store."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from bench_core.demo.loaded_method import DemoMethod
from bench_core.errors import BadInput
from bench_core.images import Array
from bench_core.methods.pretrained import read_facts
from bench_core.plugins import Plugins
from bench_core.protocol import load
from bench_core.specs import Model, resolve
from bench_core.store.store import read_runs
from bench_core.system.progress import console


def catalog(
    plugins: Plugins,
    names: Sequence[str] | None,
    weights: Sequence[tuple[str, str]],
    runs: Path | None,
    device: torch.device,
) -> list[DemoMethod]:
    """List the methods of plugins, and the baselines.

    Args:
        plugins: The installed plugins.
        names: Plugins to use; all if None.
        weights: Pairs of a method's name and the path of its weights.
        runs: A store or one of its runs; its trained cells are listed.
        device: Device to run on.

    Raises:
        BadInput: A name is unknown, weights are another method's, or a plugin or the store has no usable method.
    """
    _load(plugins, names)
    models: dict[str, Model] = plugins.records("models")
    found = [DemoMethod(m.name, m.title, "training-free", m, device) for m in models.values() if m.recipe is None]
    found += [_with_weights(plugins.model(name), Path(path), device) for name, path in weights]
    if runs:
        trained = list(_trained_cells(runs, models, device))
        if not trained:
            raise BadInput(f"{runs} holds no trained weights of these methods; leave it out, or name other --plugins.")
        found += trained
    usable = {method.model.name for method in found}
    for name in names or ():
        if not usable & {model.name for model in plugins.installed[name].records.get("models", ())}:
            raise BadInput(f"The methods of {name} need trained weights: give the store of their run, or --weights.")
    return found


def example(plugins: Plugins) -> Array:
    """Return an image that needs no download, uint8 (height, width, channels)."""
    return resolve(plugins.records("image_sets")[load("quick").image_set].open)(None, "test")[0]


def _load(plugins: Plugins, names: Sequence[str] | None) -> None:
    plugins.load(plugins.baselines)
    for plugin in plugins.load(plugins.on_request if names is None else names, strict=names is not None):
        if plugin.error:
            text = f"The plugin {plugin.name} cannot be loaded: {plugin.reason} (see `bench plugins`)"
            console.print(text, markup=False, soft_wrap=True)


def _with_weights(model: Model, path: Path, device: torch.device) -> DemoMethod:
    read_facts(model, path)  # report wrong weights now, not when the user first runs the method
    return DemoMethod(f"{model.name} ({path.stem})", model.title, "weights from a file", model, device, lambda: path)


def _trained_cells(runs: Path, models: Mapping[str, Model], device: torch.device) -> Iterator[DemoMethod]:
    """Yield every trained cell once, even if it is part of several runs."""
    store, records = read_runs(runs)
    listed = set()
    for run in records:
        rules = run.protocol
        remark = (
            f"trained on {rules.image_set} with {', '.join(rules.train_masks)}: {rules.steps} steps at "
            f"{rules.size} pixels, scale {rules.scale}"
        )
        for entry in run.entries:
            folder, model, key = store.folder(entry), models.get(entry.method), (entry.folder, entry.method)
            trained = entry.state == "done" and (folder.path / "weights.safetensors").exists()
            if trained and model and key not in listed:
                listed.add(key)
                yield DemoMethod(entry.title, model.title, remark, model, device, folder.trained_weights)
