"""From a user's options to an experiment that is ready to run. All bad input is found here, before any training."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from rich.markup import escape

from bench_core.data.open import open_images
from bench_core.data.pixel_cache import PixelCache
from bench_core.errors import BadInput, unknown
from bench_core.experiment.cell_key import code
from bench_core.experiment.context import RunContext, check_division
from bench_core.experiment.executors.select import select_executor
from bench_core.experiment.experiment import Experiment
from bench_core.experiment.options import ProtocolOptions, RunOptions
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.methods.compatibility import refusal, require_backbones, unsupported_masks
from bench_core.methods.pretrained import with_weights
from bench_core.methods.request import MethodRequest, parse
from bench_core.methods.variants import Overrides, Variant, apply_overrides, validate_overrides
from bench_core.metrics import select_metrics
from bench_core.metrics.code import metric_code
from bench_core.metrics.select import on_floats
from bench_core.plugins import Plugin, Plugins
from bench_core.protocol import Protocol, load
from bench_core.specs import Loss
from bench_core.store.store import Store
from bench_core.system import files
from bench_core.system.devices import require_compiler
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup
from bench_core.system.progress import console
from bench_core.training.schedule import num_images_drawn
from bench_core.training.trackers.select import select_trackers


@dataclass(frozen=True)
class Plan:
    """An experiment, and the plugins that it was made with."""

    experiment: Experiment
    plugins: Plugins
    broken: list[Plugin]


def plan(options: RunOptions, group: ProcessGroup = SINGLE_PROCESS) -> Plan:
    """Load, check and combine everything that `bench run` was given.

    Args:
        group: the processes that share every cell; each of them plans.

    Raises:
        BadInput: something cannot be used. Nothing has been written then, except `out` and decoded images in it.
    """
    plugins = Plugins.find()
    requests, broken = _load_plugins(plugins, options)
    protocol = open_protocol(plugins, options)
    if not protocol.size:
        raise BadInput(f"The protocol {protocol.name} takes images of any size, and training needs one: give --size.")
    variants = _with_given_weights(_variants(plugins, requests, options.overrides), options.weights, protocol)
    mask_sets = open_sets(protocol.masks, plugins.records("masks"))
    for each in mask_sets.values():
        each.draw(protocol.size, "trial")  # parameters that cannot be drawn are refused now
    _refuse_if_none_fits(variants, protocol, mask_sets)
    metrics = select_metrics(protocol.metrics, plugins.records("metrics"))
    require_backbones([variant for _, variant in variants], protocol)
    trackers = select_trackers(plugins, options.trackers)
    if options.compiled:
        require_compiler(options.device)
    executor, executor_options = select_executor(plugins.records("executors"), options)
    check_division(options.runtime, protocol.batch)
    store = Store(files.require_writable_folder(options.out), group)
    store.remove_temporary_files()
    cache = PixelCache(store.image_cache_path, protocol, options.image_cache) if options.image_cache else None
    recipes = [variant.model.recipe for _, variant in variants if variant.model.recipe]
    num_images = max((num_images_drawn(recipe, protocol, protocol.steps) for recipe in recipes), default=0)
    images = open_images(
        plugins, protocol, options.data, num_images, options.skip_bad_images, cache, options.workers or 0
    )
    context = RunContext(
        protocol, images, mask_sets, metrics, store, options.runtime, options.skip_bad_images, trackers
    )
    # Sources are hashed now, because they may be edited while the run goes on.
    for plugin, variant in variants:
        code(plugin, variant, mask_sets.values())
    for metric in metrics:
        metric_code(metric)
    return Plan(Experiment(context, variants, executor, executor_options), plugins, broken)


def open_protocol(plugins: Plugins, options: ProtocolOptions) -> Protocol:
    """Load the protocol that the options name, with the fields that they override.

    Raises:
        BadInput: there is no such protocol, or it is not valid with the options.
    """
    protocol = load(options.protocol, plugins.records("protocols").values())
    names = {field.name for field in fields(ProtocolOptions)} & Protocol.model_fields.keys()
    overridden = {name: getattr(options, name) for name in names}
    if options.data and not options.image_set and protocol.image_set == "photos":
        overridden["image_set"] = "folder"
    if options.float_metrics:
        metrics = select_metrics(options.metrics or protocol.metrics, plugins.records("metrics"))
        overridden["metrics"] = tuple(on_floats(metric).definition for metric in metrics)
    return protocol.override(overridden)


def _load_plugins(plugins: Plugins, options: RunOptions) -> tuple[list[MethodRequest], list[Plugin]]:
    """Load what is requested; returns the requests that can be served, baselines first, and the broken plugins."""
    methods = [name for name in plugins.on_request if name not in plugins.baselines]
    requests = [parse(text, plugins.on_request) for text in options.plugins or methods]
    loaded = plugins.load(dict.fromkeys(request.plugin for request in requests), options.strict_plugins)
    none = bool(loaded) and all(plugin.error for plugin in loaded)
    if options.baselines:
        requests = [*map(MethodRequest, plugins.baselines), *requests]
        loaded = [*plugins.load(plugins.baselines, options.strict_plugins), *loaded]
    broken = {plugin.name: plugin for plugin in loaded if plugin.error}
    for plugin in broken.values():
        console.print(
            f"[red]The plugin {plugin.name} cannot be loaded:[/] {escape(plugin.reason)} (see `bench plugins`)"
        )
    if none:
        raise BadInput("None of the plugins asked for can be loaded; `bench plugins` prints where each one broke.")
    return [request for request in requests if request.plugin not in broken], list(broken.values())


def _variants(
    plugins: Plugins, requests: Sequence[MethodRequest], overrides: Overrides
) -> list[tuple[Plugin, Variant]]:
    """Every requested model, changed as its request and the overrides for all say; none twice."""
    public = _public_losses(plugins, [overrides, *(request.changes for request in requests)])
    requested = [(plugins.installed[request.plugin], request) for request in requests]
    models = [(plugin, model, request.changes) for plugin, request in requested for model in request.models(plugin)]
    validate_overrides([model for _, model, _ in models], public, overrides)
    for plugin, request in requested:
        validate_overrides(request.models(plugin), public, request.changes)
    if not models:
        names = ", ".join(request.plugin for request in requests) or "(none)"
        raise BadInput(f"The plugins {names} bring no methods.")
    variants = ((plugin, apply_overrides(model, public, overrides | own)) for plugin, model, own in models)
    return list({variant.name: (plugin, variant) for plugin, variant in variants}.values())


def _public_losses(plugins: Plugins, overrides: Sequence[Overrides]) -> dict[str, Loss]:
    """Public loss terms by name. Other installed plugins are loaded only if a term is not known otherwise."""
    public = plugins.records("losses")
    if {term for each in overrides for term in each.added} - set(public):
        public = {**Plugins.all().records("losses"), **public}
    return public


def _with_given_weights(
    variants: list[tuple[Plugin, Variant]], given: Sequence[tuple[str, str]], protocol: Protocol
) -> list[tuple[Plugin, Variant]]:
    """The variants. Those with a weight file get its weights in place of a recipe."""
    weights = {name: Path(path) for name, path in given}
    requested = {variant.name: variant.name.partition("[")[0] for _, variant in variants}  # without options
    for name in weights:
        if name not in requested.values():
            raise unknown("method among those asked for", name, requested.values())
    return [
        (plugin, with_weights(variant, path, protocol) if (path := weights.get(requested[variant.name])) else variant)
        for plugin, variant in variants
    ]


def _refuse_if_none_fits(
    variants: Sequence[tuple[Plugin, Variant]], protocol: Protocol, mask_sets: Mapping[str, MaskSet]
) -> None:
    reasons = {}
    for _, variant in variants:
        if variant.model.recipe or variant.weights:
            unfit = unsupported_masks(variant.model, [mask_sets[name] for name in protocol.test_masks], protocol)
            nothing = next(iter(unfit.values())) if len(unfit) == len(protocol.test_masks) else ""
            reasons[variant.name] = refusal(variant.model, protocol) or nothing
    if reasons and all(reasons.values()):
        raise BadInput("No method can serve this protocol: " + "; ".join(f"{k} {v}" for k, v in reasons.items()) + ".")
