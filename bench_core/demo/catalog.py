"""Which methods a page offers: those that learn nothing, those with given weights, and the trained cells of a store."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import torch

from bench_core.demo.loaded_method import DemoMethod
from bench_core.errors import BadInput
from bench_core.images import Array
from bench_core.methods.pretrained import weights_of
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol, load
from bench_core.specs import Model, resolve
from bench_core.store.store import read_runs
from bench_core.system.progress import console


def offered(
    plugins: Plugins,
    names: Sequence[str] | None,
    weights: Sequence[tuple[str, str]],
    runs: Path | None,
    device: torch.device,
) -> list[DemoMethod]:
    """Methods of the plugins named, or of all, and the baselines; a name of `weights` is a method's.

    Raises:
        BadInput: a name is unknown, weights are not their method's, or a plugin or the store has nothing to offer.
    """
    _load(plugins, names)
    models: dict[str, Model] = plugins.records("models")
    found = [_unlearned(model, device) for model in models.values() if model.recipe is None]
    found += [_given(plugins.model(name), Path(path), device) for name, path in weights]
    found += _cells(runs, models, device) if runs else []
    have = {method.model.name for method in found}
    for name in names or ():
        if not have & {model.name for model in plugins.installed[name].records.get("models", ())}:
            raise BadInput(
                f"The methods of {name} must have been trained: give the store in which they were, or --weights."
            )
    return found


def example(plugins: Plugins) -> Array:
    """A picture that is at hand everywhere."""
    return resolve(plugins.records("image_sets")[load("quick").image_set].open)(None, "test")[0]


def _load(plugins: Plugins, names: Sequence[str] | None) -> None:
    plugins.load(plugins.baselines)
    for plugin in plugins.load(plugins.on_request if names is None else names, strict=names is not None):
        if plugin.error:
            text = f"The plugin {plugin.name} cannot be loaded: {plugin.reason} (see `bench plugins`)"
            console.print(text, markup=False, soft_wrap=True)


def _unlearned(model: Model, device: torch.device) -> DemoMethod:
    return DemoMethod(model.name, model.title, "learns nothing", model, device)


def _given(model: Model, path: Path, device: torch.device) -> DemoMethod:
    weights_of(model, path)  # bad ones are told now
    return DemoMethod(f"{model.name} ({path.stem})", model.title, "weights given", model, device, lambda: path)


def _cells(runs: Path, models: Mapping[str, Model], device: torch.device) -> list[DemoMethod]:
    found = list(_trained(runs, models, device))
    if not found:
        raise BadInput(f"{runs} holds no trained weights of these methods; leave it out, or name other --plugins.")
    return found


def _trained(runs: Path, models: Mapping[str, Model], device: torch.device) -> Iterator[DemoMethod]:
    """Every cell once, whichever runs it is part of."""
    store, records = read_runs(runs)
    seen = set()
    for run in records:
        for entry in run.entries:
            folder, model = store.folder(entry), models.get(entry.method)
            known = (entry.folder, entry.method)
            if entry.state == "done" and model and (folder.path / "weights.safetensors").exists() and known not in seen:
                seen.add(known)
                remark = _training(run.protocol)
                yield DemoMethod(entry.title, model.title, remark, model, device, folder.trained_weights)


def _training(protocol: Protocol) -> str:
    return (
        f"trained on {protocol.image_set} with {', '.join(protocol.train_masks)}: {protocol.steps} steps at "
        f"{protocol.size} pixels, scale {protocol.scale}"
    )
