"""From what a user asks for to a comparison that is ready to run. All bad input is found here, before any training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rich.markup import escape

from bench_core.data.open import open_images, open_protocol
from bench_core.data.pixel_cache import PixelCache
from bench_core.errors import BadInput, unknown
from bench_core.experiment.context import RunContext, RuntimeConfig, check_division
from bench_core.experiment.executors.select import choose_executor
from bench_core.experiment.experiment import Experiment
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.methods.compatibility import refusal, require_backbones, unsupported_masks
from bench_core.methods.pretrained import with_weights
from bench_core.methods.request import MethodRequest, parse
from bench_core.methods.variants import Overrides, Variant, apply_overrides, validate_overrides
from bench_core.metrics import select_metrics
from bench_core.plugins import Plugin, Plugins
from bench_core.protocol import Protocol
from bench_core.specs import Loss
from bench_core.store.store import Store
from bench_core.system import files
from bench_core.system.compiling import require_compiler
from bench_core.system.progress import console
from bench_core.training.schedule import num_images_drawn
from bench_core.training.trackers.select import choose_trackers


@dataclass(frozen=True)
class Plan:
    experiment: Experiment
    plugins: Plugins
    broken: list[Plugin]


def plan(names: Sequence[str] | None, protocol_name: str, out: Path, options: Mapping[str, Any]) -> Plan:
    """Load, check and combine everything that `bench run` was given.

    Raises:
        BadInput: something cannot be used; nothing has been written then, but for `out` and decoded images in it.
    """
    plugins = Plugins.find()
    methods = [name for name in plugins.on_request if name not in plugins.baselines]
    requests = [parse(text, plugins.on_request) for text in names or methods]
    asked = plugins.load(dict.fromkeys(request.plugin for request in requests), options["strict_plugins"])
    if all(plugin.error for plugin in asked) and asked:
        raise BadInput("None of the plugins asked for can be loaded; `bench plugins` prints where each one broke.")
    if options["baselines"]:
        requests = [*map(MethodRequest, plugins.baselines), *requests]
        asked = [*plugins.load(plugins.baselines, options["strict_plugins"]), *asked]
    broken = {plugin.name: plugin for plugin in asked if plugin.error}
    for plugin in broken.values():
        console.print(
            f"[red]The plugin {plugin.name} cannot be loaded:[/] {escape(plugin.reason)} (see `bench plugins`)"
        )
    protocol = open_protocol(protocol_name, plugins, options)
    if not protocol.size:
        raise BadInput(
            f"The protocol {protocol.name} takes images as they are, and nothing trains on that: give --size."
        )
    variants = _variants(plugins, [request for request in requests if request.plugin not in broken], options)
    variants = _given_weights(variants, options["weights"], protocol)
    holes = open_sets(protocol.masks, plugins.records("masks"))
    for each in holes.values():
        each.draw(protocol.size, "trial")
    _refuse_if_none_fits(variants, protocol, holes)
    metrics = select_metrics(protocol.metrics, plugins.records("metrics"))
    require_backbones([variant for _, variant in variants], protocol)
    trackers = choose_trackers(plugins, options["trackers"])
    if options["compiled"]:
        require_compiler(options["device"])
    executor, placing = choose_executor(plugins.records("executors"), options)
    if options["devices"] * options["nodes"] > 1 and not executor.in_process:
        raise BadInput(
            f"--devices and --nodes share out one cell at a time: give --executor here, not {executor.name}."
        )
    store = Store(files.require_writable_folder(out))
    store.remove_temporary_files()
    most = max(
        (num_images_drawn(v.model.recipe, protocol, protocol.steps) for _, v in variants if v.model.recipe), default=0
    )
    shelf = PixelCache(store.decoded, protocol, options["keep_decoded"]) if options["keep_decoded"] else None
    images = open_images(plugins, protocol, most, options, shelf)
    machine = _machine(options, protocol)
    setup = RunContext(protocol, images, holes, metrics, store, machine, options["skip_bad_images"], trackers)
    return Plan(Experiment(setup, variants, executor, placing), plugins, list(broken.values()))


def _machine(options: Mapping[str, Any], protocol: Protocol) -> RuntimeConfig:
    """Where and how cells will run."""
    machine = RuntimeConfig(**{field.name: options[field.name] for field in fields(RuntimeConfig)})
    check_division(machine, protocol.batch)
    return machine


def _variants(
    plugins: Plugins, requests: list[MethodRequest], options: Mapping[str, Any]
) -> list[tuple[Plugin, Variant]]:
    """Every model that is asked for, changed as its request and the options for all say; none twice."""
    every = Overrides(dict(options["added"]), options["dropped"], dict(options["options"]))
    asked = [(plugins.installed[request.plugin], request) for request in requests]
    public = _losses(plugins, [every, *(request.changes for request in requests)])
    models = [(plugin, model, request.changes) for plugin, request in asked for model in request.models(plugin)]
    validate_overrides([model for _, model, _ in models], public, every)
    for plugin, request in asked:
        validate_overrides(request.models(plugin), public, request.changes)
    if not models:
        names = ", ".join(request.plugin for request in requests) or "(none)"
        raise BadInput(f"The plugins {names} bring no methods.")
    chosen = {}
    for plugin, model, own in models:
        variant = apply_overrides(model, public, every | own)
        chosen[variant.name] = (plugin, variant)
    return list(chosen.values())


def _losses(plugins: Plugins, changes: Sequence[Overrides]) -> dict[str, Loss]:
    """The public loss terms, of other installed plugins too where a name is not known otherwise."""
    public = plugins.records("losses")
    if {term for change in changes for term in change.added} - set(public):
        others = Plugins.all()
        public = {**others.records("losses"), **public}
    return public


def _given_weights(
    variants: list[tuple[Plugin, Variant]], given: Sequence[tuple[str, str]], protocol: Protocol
) -> list[tuple[Plugin, Variant]]:
    """The variants, with the weights that files hold in place of training where there are any."""
    weights = {name: Path(path) for name, path in given}
    names = {variant.name: variant.name.partition("[")[0] for _, variant in variants}  # as asked for, without options
    for name in weights:
        if name not in names.values():
            raise unknown("method among those asked for", name, names.values())
    return [
        (plugin, with_weights(variant, path, protocol) if (path := weights.get(names[variant.name])) else variant)
        for plugin, variant in variants
    ]


def _refuse_if_none_fits(
    variants: Sequence[tuple[Plugin, Variant]], protocol: Protocol, holes: Mapping[str, MaskSet]
) -> None:
    reasons = {}
    for _, variant in variants:
        if variant.model.recipe or variant.weights:
            unfit = unsupported_masks(variant.model, [holes[name] for name in protocol.test_masks], protocol)
            nothing = next(iter(unfit.values())) if len(unfit) == len(protocol.test_masks) else ""
            reasons[variant.name] = refusal(variant.model, protocol) or nothing
    if reasons and all(reasons.values()):
        raise BadInput("No method can serve this protocol: " + "; ".join(f"{k} {v}" for k, v in reasons.items()) + ".")
