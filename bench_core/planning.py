"""From what a user asks for to a comparison that is ready to run. All bad input is found here, before any training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rich.markup import escape

from bench_core import files
from bench_core.comparison import Comparison, Machine
from bench_core.errors import BadInput, unknown
from bench_core.imagecheck import check
from bench_core.masksets import open_sets
from bench_core.metrics import choose
from bench_core.plugins import PARTS, Plugin, Plugins
from bench_core.progress import console
from bench_core.protocol import Protocol, load
from bench_core.serving import refusal, require_backbones
from bench_core.specs import Loss, resolve
from bench_core.store import Store
from bench_core.training import draws
from bench_core.variants import Variant, vary


@dataclass(frozen=True)
class Plan:
    comparison: Comparison
    plugins: Plugins
    broken: list[Plugin]


def plan(names: Sequence[str] | None, protocol_name: str, out: Path, options: Mapping[str, Any]) -> Plan:
    """Load, check and combine everything that `bench run` was given.

    Raises:
        BadInput: something cannot be used; nothing has been written then, but for the empty folder `out`.
    """
    protocol = _protocol(protocol_name, options)
    plugins = Plugins.find()
    asked = plugins.load(names or sorted(set(plugins.installed) - set(PARTS)), options["strict_plugins"])
    broken = [plugin for plugin in asked if plugin.error]
    for plugin in broken:
        console.print(
            f"[red]The plugin {plugin.name} cannot be loaded:[/] {escape(plugin.reason)} (see `bench plugins`)"
        )
    working = [plugin for plugin in asked if not plugin.error]
    if not working and broken:
        raise BadInput("None of the plugins asked for can be loaded; `bench plugins` prints where each one broke.")
    variants = _variants(plugins, working, options)
    _refuse_if_none_fits(variants, protocol)
    holes = open_sets(protocol.masks, plugins.records("masks"))
    for each in holes.values():
        each.draw(protocol.size, "trial")
    metrics = choose(protocol.metrics, plugins.records("metrics"))
    require_backbones([variant for _, variant in variants], protocol)
    if options["tracker"] and find_spec(options["tracker"]) is None:
        raise BadInput(f"--log {options['tracker']} needs `pip install inpaint-bench[{options['tracker']}]`.")
    store = Store(files.writable_folder(out))
    images = _images(plugins, protocol, [variant for _, variant in variants], options)
    machine = Machine(
        options["device"], options["precision"], options["eval_batch"], options["workers"], options["tracker"]
    )
    comparison = Comparison(protocol, variants, images, holes, metrics, store, machine, options["skip_bad_images"])
    return Plan(comparison, plugins, broken)


def _protocol(name: str, options: Mapping[str, Any]) -> Protocol:
    changes = {key: options[key] for key in Protocol.model_fields if options.get(key) is not None}
    protocol = load(name)
    if options["data"] and not options["image_set"] and protocol.image_set == "photos":
        changes["image_set"] = "folder"
    return protocol.override(changes)


def _variants(plugins: Plugins, asked: list[Plugin], options: Mapping[str, Any]) -> list[tuple[Plugin, Variant]]:
    baselines = [plugins.installed["baselines"]] if options["baselines"] else []
    added = dict(options["added"])
    public = _losses(plugins, asked, added)
    owners = {model.name: plugin for plugin in baselines + asked for model in plugin.records.get("models", ())}
    models = plugins.records("models")
    chosen = vary([models[name] for name in owners], public, added, options["dropped"])
    if not chosen:
        raise BadInput(f"The plugins {', '.join(plugin.name for plugin in asked) or '(none)'} bring no methods.")
    return [(owners[variant.model.name], variant) for variant in chosen]


def _losses(plugins: Plugins, asked: list[Plugin], added: Mapping[str, float]) -> dict[str, Loss]:
    """The public loss terms, of other installed plugins too where a name is not known otherwise."""
    public = plugins.records("losses")
    if set(added) - set(public):
        others = Plugins.find()
        others.load_all()
        public = {**others.records("losses"), **public}
    return public


def _refuse_if_none_fits(variants: Sequence[tuple[Plugin, Variant]], protocol: Protocol) -> None:
    reasons = {variant.name: refusal(variant, protocol) for _, variant in variants if variant.model.recipe}
    if reasons and all(reasons.values()):
        raise BadInput("No method can serve this protocol: " + "; ".join(f"{k} {v}" for k, v in reasons.items()) + ".")


def _images(plugins: Plugins, protocol: Protocol, variants: Sequence[Variant], options: Mapping[str, Any]):
    sets = plugins.records("image_sets")
    if protocol.image_set not in sets:
        raise unknown("image set", protocol.image_set, sets)
    chosen = sets[protocol.image_set]
    if chosen.needs_folder and options["data"] is None:
        raise BadInput(f"The image set {chosen.name!r} needs --data FOLDER. {chosen.source}")
    train, test = (resolve(chosen.open)(options["data"], split) for split in ("train", "test"))
    most = max((draws(v.model.recipe, protocol, protocol.steps) for v in variants if v.model.recipe), default=0)
    return check(train, test, protocol, most, options["skip_bad_images"])
