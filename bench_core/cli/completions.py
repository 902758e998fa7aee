"""Types of options and arguments that are names, with their completions. Finding the names does not import torch."""

import click

from bench_core.cli.param_types import Assigned, Listed, Named, Names, Weighted
from bench_core.errors import BadInput
from bench_core.plugins import Plugins


def _records(hook: str) -> Names:
    """Return a function that lists the names of all records of a hook."""
    return lambda ctx: Plugins.all().records(hook)


def _requests(ctx: click.Context) -> list[str]:
    """List PLUGIN and PLUGIN:FORM."""
    found = Plugins.all()
    plugins = [found.installed[name] for name in found.on_request]
    forms = [(plugin, model.name.partition(":")) for plugin in plugins for model in plugin.records.get("models", ())]
    return list(dict.fromkeys(plugin.name + colon + form for plugin, (_, colon, form) in forms))


def _metrics(ctx: click.Context) -> list[str]:
    """List names and full definitions."""
    known = Plugins.all().records("metrics")
    return list(dict.fromkeys([*(metric.name for metric in known.values()), *known]))


def _formats(ctx: click.Context) -> list[str]:
    return ["terminal", *Plugins.all().records("reports")]


def _protocols(ctx: click.Context) -> list[str]:
    from bench_core.protocol import named

    return list(named(Plugins.all().records("protocols").values()))


def _mask_sets(ctx: click.Context) -> list[str]:
    """List the mask sets of the protocol on the command line, or of the default protocol."""
    from bench_core.protocol import load

    try:
        return list(load(ctx.params.get("protocol") or "quick", Plugins.all().records("protocols").values()).masks)
    except BadInput:
        return []


def _options(ctx: click.Context) -> list[str]:
    """List OWNER.OPTION of every method and every loss term."""
    found = Plugins.all()
    models, losses = found.records("models").values(), found.records("losses").values()
    of_models = [f"{model.name.partition(':')[0]}.{name}" for model in models for name in model.options]
    return list(dict.fromkeys([*of_models, *(f"{loss.name}.{name}" for loss in losses for name in loss.parameters)]))


METHOD = Named("method", _records("models"))
METHODS = Listed(names=_records("models"))
REQUESTS = Listed(names=_requests)
PROTOCOL = Named("protocol", _protocols)
IMAGE_SET = Named("name", _records("image_sets"))
MASK_SETS = Listed(names=_mask_sets)
MASK_FAMILY = Named("family", _records("masks"))
METRICS = Listed(names=_metrics)
FORMAT = Named("name", _formats)
EXECUTOR = Named("name", _records("executors"))
TRACKER = Named("name", _records("trackers"))
TABLE = Named("name", _records("paper_tables"))
LOSSES = Listed(names=_records("losses"))
WEIGHTED_LOSS = Weighted(_records("losses"))
OPTION = Assigned(_options)
WEIGHTS = Assigned(_requests)
