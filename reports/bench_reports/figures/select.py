"""The figure that a command asks for, as the bytes of a file."""

from collections.abc import Mapping, Sequence
from inspect import signature
from typing import Any

from bench_core.errors import BadInput
from bench_core.specs import Metric, resolve
from bench_core.store.store import Run, Store
from bench_reports.figures.output import FORMATS, save
from bench_reports.figures.source import Source
from bench_reports.tables.table import merged


def asked(
    kind: str, store: Store, runs: Sequence[Run], known: Mapping[str, Metric], format_: str, options: Mapping[str, Any]
) -> bytes:
    """Draw one kind of figure; empty options are not given.

    Raises:
        BadInput: there is nothing to draw, several comparisons, or an option that this kind has not.
    """
    if format_ not in FORMATS:
        raise BadInput(f"A figure is written as {', '.join(FORMATS)}, not as {format_!r}: end -o FILE in one of them.")
    together = merged(runs)
    if len(together) > 1:
        told = ", ".join(f"{run.protocol.name} ({run.protocol.hash[:8]})" for run in together)
        raise BadInput(f"Here are {len(together)} comparisons, {told}: give one of the folders in runs/.")
    draw, given = resolve(f"bench_reports.figures.{kind}:draw"), {key: of for key, of in options.items() if of}
    taken = signature(draw).parameters
    for name in given:
        if name not in taken:
            raise BadInput(f"--{name.replace('definition', 'metric').replace('_', '-')} means nothing for {kind}.")
    return save(draw(Source(store, together[0], known), **given), format_)
