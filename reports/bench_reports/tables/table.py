"""A table: what it holds, and how it is made from stored rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import pandas as pd

from bench_core.metrics.select import select_metrics
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables import notes
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import columns

ARROWS = {"higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class Table:
    """All that a format needs to print. The frames have the same rows and columns; those of `details` are further."""

    title: str
    values: pd.DataFrame
    """Columns are pairs of a group, mostly a mask set, and a metric's definition. Rows are named by their index."""
    texts: pd.DataFrame
    """The same as it is printed."""
    best: pd.DataFrame
    """Whether a value is the best of its column."""
    metrics: Mapping[str, Metric]
    """By definition."""
    notes: Sequence[str]
    details: pd.DataFrame = field(default_factory=pd.DataFrame)
    """What formats for programs hold besides, with columns (group, definition, what)."""
    second: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Whether a value is the second best of its column; empty where that is not told."""

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Mask set and definition of every column."""
        return [(group, definition) for group, definition in self.values.columns.to_flat_index()]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Mask sets with the number of their columns."""
        return [(name, len(list(group))) for name, group in groupby(group for group, _ in self.columns)]

    @property
    def keys(self) -> list[str]:
        """What names a row: ``method``, and what else there is."""
        return [str(name) for name in self.values.index.names]

    @property
    def lines(self) -> list[tuple[list[str], list[tuple[str, bool]]]]:
        """For each row its names, and every cell's text and whether it is the best of its column."""
        names = self.values.index.to_frame().astype(str).to_numpy().tolist()
        cells = zip(names, self.texts.to_numpy(), self.best.to_numpy(), strict=True)
        return [(name, list(zip(texts, best, strict=True))) for name, texts, best in cells]

    def header(self, definition: str) -> str:
        """A metric's title with the arrow to better values; whatever else a column is called."""
        metric = self.metrics.get(definition)
        return header(metric) if metric else definition


def header(metric: Metric) -> str:
    """A metric's title with the arrow to better values."""
    return f"{metric.title} {ARROWS[metric.better]}"


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """One table for all runs that have protocol and test images in common; of a cell in several, the last counts.

    Raises:
        BadInput: rows of one column do not mean the same.
    """
    return [_table(store, run, known) for run in merged(runs)]


def merged(runs: Sequence[Run]) -> list[Run]:
    """One run for all that have protocol and test images in common."""
    together: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        together.setdefault((run.protocol.hash, run.images), []).append(run)
    return [_merged(alike) for alike in together.values()]


def _merged(runs: Sequence[Run]) -> Run:
    entries = {(entry.variant, entry.seed): entry for run in runs for entry in run.entries}
    missing = {definition: why for run in runs for definition, why in run.missing.items()}
    return replace(runs[-1], entries=list(entries.values()), missing=missing)


def wanted(run: Run, known: Mapping[str, Metric]) -> dict[str, Metric]:
    """The metrics of a run's protocol, by definition."""
    return {metric.definition: metric for metric in select_metrics(run.protocol.metrics, known)}


def _table(store: Store, run: Run, known: Mapping[str, Metric]) -> Table:
    metrics = wanted(run, known)
    found = columns(run, store.rows(run), metrics)
    cells = Cells(run, found)
    return Table(
        title(run.protocol),
        cells.values,
        cells.texts,
        cells.best,
        metrics,
        notes.all_notes(run, found, known),
        cells.details,
        cells.second,
    )


def title(protocol: Protocol) -> str:
    if not protocol.size:
        return f"{protocol.name}: files as they are (protocol {protocol.hash[:8]})"
    seeds = "seed" + "s" * (len(protocol.seeds) > 1) + " " + ", ".join(map(str, protocol.seeds))
    return (
        f"{protocol.name}: {protocol.image_set} at {protocol.size} pixels, {protocol.scale} scale, "
        f"{protocol.steps:,} steps of batch {protocol.batch}, {seeds} (protocol {protocol.hash[:8]})"
    )
