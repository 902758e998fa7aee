"""Requirements of measuring a paper's table, and those that are missing on this machine. Nothing is downloaded."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bench_core.errors import BadInput, unknown
from bench_core.methods.request import parse
from bench_core.methods.variants import Variant, apply_overrides, validate_overrides
from bench_core.metrics import select_metrics
from bench_core.paper_table import PaperTable
from bench_core.plugins import Plugins
from bench_core.protocol import Protocol
from bench_core.weights import download


@dataclass
class Requirements:
    """Requirements in words, one item each."""

    wanted: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    """Requests for the installed methods."""


def requirements(
    table: PaperTable, protocols: Mapping[str, Protocol], plugins: Plugins, data: Container[str]
) -> Requirements:
    """List what a table needs.

    Args:
        protocols: the protocols that it names.
        data: image sets whose folders are given; "" stands for any.
    """
    found = Requirements()
    variants = _methods(table, plugins, found)
    _image_sets(protocols, plugins, data, found)
    _weights(protocols, variants, plugins, found)
    for name, protocol in protocols.items():
        methods, seeds = _count(table.requests(name), "method"), _count(protocol.seeds, "seed")
        found.wanted.append(f"{name}: {methods}, {seeds}, {protocol.steps:,} steps of batch {protocol.batch}")
    found.missing += [f"holes for {group.title}" for group in table.groups if group.mask and not group.protocol]
    return found


def _count(things: Sequence[Any], noun: str) -> str:
    return f"{len(things)} {noun}{'s' * (len(things) != 1)}"


def _methods(table: PaperTable, plugins: Plugins, found: Requirements) -> list[Variant]:
    variants = []
    without = [method for method, text in table.methods.items() if not text]
    found.missing += [f"methods for {', '.join(without)}"] if without else []
    for text in dict.fromkeys(filter(None, table.methods.values())):
        try:
            variants += _variants(text, plugins)
            found.requests.append(text)
        except BadInput as error:
            found.missing.append(f"{text} ({str(error).partition('.')[0]})")
    return variants


def _variants(text: str, plugins: Plugins) -> list[Variant]:
    """Return the variants of a request. Raises BadInput if they are not installed."""
    request = parse(text, plugins.on_request)
    plugin, public = plugins.installed[request.plugin], plugins.records("losses")
    if plugin.error:
        raise BadInput(f"The plugin {plugin.name!r} is broken.")
    models = request.models(plugin)
    validate_overrides(models, public, request.changes)
    return [apply_overrides(model, public, request.changes) for model in models]


def _image_sets(protocols: Mapping[str, Protocol], plugins: Plugins, data: Container[str], found: Requirements) -> None:
    known = plugins.records("image_sets")
    names = list(dict.fromkeys(protocol.image_set for protocol in protocols.values()))
    for name in names:
        if name not in known:
            raise unknown("image set", name, known)
        if known[name].needs_folder and name not in data and "" not in data:
            found.missing.append(f"--data {name}=FOLDER ({known[name].title})")
    found.wanted.append(f"images of {', '.join(names)}")


def _weights(protocols: Mapping[str, Protocol], variants: list[Variant], plugins: Plugins, found: Requirements) -> None:
    metrics = select_metrics(
        {name for protocol in protocols.values() for name in protocol.metrics}, plugins.records("metrics")
    )
    networks = {metric.weights for metric in metrics if metric.weights}
    networks |= {name for variant in variants for name in variant.backbones}
    if networks:
        found.wanted.append(f"weights of {', '.join(sorted(networks))}")
    if absent := [name for name in sorted(networks) if not download.is_available(name)]:
        found.missing.append(f"weights of {', '.join(absent)}")
