"""Options and arguments that name something, and what completes them. Finding the names imports no torch."""

import click

from bench_core.cli.param_types import Assigned, Listed, Named, Names, Weighted
from bench_core.errors import BadInput
from bench_core.plugins import Plugins


def _every(hook: str) -> Names:
    """The names of all records of a hook."""
    return lambda ctx: Plugins.all().records(hook)


def _requests(ctx: click.Context) -> list[str]:
    """PLUGIN and PLUGIN:FORM."""
    every = Plugins.all()
    plugins = [every.installed[name] for name in every.on_request]
    forms = [(plugin, model.name.partition(":")) for plugin in plugins for model in plugin.records.get("models", ())]
    return list(dict.fromkeys(plugin.name + colon + form for plugin, (_, colon, form) in forms))


def _metrics(ctx: click.Context) -> list[str]:
    """Bare names and definitions."""
    known = Plugins.all().records("metrics")
    return list(dict.fromkeys([*(metric.name for metric in known.values()), *known]))


def _formats(ctx: click.Context) -> list[str]:
    return ["terminal", *Plugins.all().records("reports")]


def _protocols(ctx: click.Context) -> list[str]:
    from bench_core.protocol import named

    return list(named(Plugins.all().records("protocols").values()))


def _mask_sets(ctx: click.Context) -> list[str]:
    """Those of the protocol that was typed before, or of the usual one."""
    from bench_core.protocol import load

    try:
        return list(load(ctx.params.get("protocol") or "quick", Plugins.all().records("protocols").values()).masks)
    except BadInput:
        return []


def _options(ctx: click.Context) -> list[str]:
    """OWNER.OPTION of every method and every loss term."""
    found = Plugins.all()
    models, losses = found.records("models").values(), found.records("losses").values()
    of_models = [f"{model.name.partition(':')[0]}.{name}" for model in models for name in model.options]
    return list(dict.fromkeys([*of_models, *(f"{loss.name}.{name}" for loss in losses for name in loss.parameters)]))


METHOD = Named("method", _every("models"))
METHODS = Listed(names=_every("models"))
REQUESTS = Listed(names=_requests)
PROTOCOL = Named("protocol", _protocols)
IMAGE_SET = Named("name", _every("image_sets"))
MASK_SETS = Listed(names=_mask_sets)
MASK_FAMILY = Named("family", _every("masks"))
METRICS = Listed(names=_metrics)
FORMAT = Named("name", _formats)
EXECUTOR = Named("name", _every("executors"))
TRACKER = Named("name", _every("trackers"))
TABLE = Named("name", _every("paper_tables"))
LOSSES = Listed(names=_every("losses"))
WEIGHTED_LOSS = Weighted(_every("losses"))
OPTION = Assigned(_options)
WEIGHTS = Assigned(_requests)
