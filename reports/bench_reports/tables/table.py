"""A table of results, and how it is built from stored rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import pandas as pd

from bench_core.metrics.select import select_metrics
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import build_columns
from bench_reports.tables.notes import all_notes

ARROWS = {"higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class Table:
    """Input of every report format. All frames have the same rows; all but `details` have the same columns."""

    title: str
    values: pd.DataFrame
    """Numbers. Columns are pairs of a group (usually a mask set) and a definition; the index names the rows."""
    texts: pd.DataFrame
    """Printed cells."""
    best: pd.DataFrame
    """True for the best value of each column."""
    metrics: Mapping[str, Metric]
    """Metrics by definition."""
    notes: Sequence[str]
    details: pd.DataFrame = field(default_factory=pd.DataFrame)
    """Further values for data formats, in columns (group, definition, detail)."""
    second: pd.DataFrame = field(default_factory=pd.DataFrame)
    """True for the second best value of each column; empty if unknown."""

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Group and definition of each column."""
        return [(group, definition) for group, definition in self.values.columns.to_flat_index()]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Each group with its number of columns."""
        return [(name, len(list(group))) for name, group in groupby(group for group, _ in self.columns)]

    @property
    def keys(self) -> list[str]:
        """Names of the index levels: ``method``, and more in tables with several blocks of rows."""
        return [str(name) for name in self.values.index.names]

    @property
    def lines(self) -> list[tuple[list[str], list[tuple[str, bool]]]]:
        """For each row its names, and for each cell its text and whether it is the best of its column."""
        names = self.values.index.to_frame().astype(str).to_numpy().tolist()
        cells = zip(names, self.texts.to_numpy(), self.best.to_numpy(), strict=True)
        return [(name, list(zip(texts, best, strict=True))) for name, texts, best in cells]

    def header(self, definition: str) -> str:
        """Return a metric's title with its arrow; columns that are no metric keep their name."""
        metric = self.metrics.get(definition)
        return metric_header(metric) if metric else definition


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """Build one table for all runs that share protocol and test images.

    Raises:
        BadInput: rows of one column differ in definition, version or holes.
    """
    tables = []
    for run in merge_runs(runs):
        metrics = protocol_metrics(run, known)
        columns = build_columns(run, store.rows(run), metrics)
        cells, notes = Cells(run, columns), all_notes(run, columns, known)
        frames = (cells.values, cells.texts, cells.best)
        tables.append(Table(protocol_title(run.protocol), *frames, metrics, notes, cells.details, cells.second))
    return tables


def merge_runs(runs: Sequence[Run]) -> list[Run]:
    """Merge runs that share protocol and test images. If several have the same cell, the last one counts."""
    together: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        together.setdefault((run.protocol.hash, run.images), []).append(run)
    merged = []
    for alike in together.values():
        entries = {(entry.variant, entry.seed): entry for run in alike for entry in run.entries}
        missing = {definition: why for run in alike for definition, why in run.missing.items()}
        said = list(dict.fromkeys(note for run in alike for note in run.image_notes))
        copies = {name: of for run in alike for name, of in run.copies.items()}
        changes = {"entries": list(entries.values()), "missing": missing, "image_notes": said, "copies": copies}
        merged.append(replace(alike[-1], **changes))
    return merged


def protocol_metrics(run: Run, known: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return the metrics of a run's protocol by definition, in its order."""
    return {metric.definition: metric for metric in select_metrics(run.protocol.metrics, known)}


def metric_header(metric: Metric) -> str:
    """Return a metric's title with the arrow that points to better values."""
    return f"{metric.title} {ARROWS[metric.better]}"


def protocol_title(protocol: Protocol) -> str:
    """Summarise a protocol in one line: images, size, scale, training budget and seeds."""
    if not protocol.size:
        return f"{protocol.name}: files as they are (protocol {protocol.hash[:8]})"
    seeds = "seed" + "s" * (len(protocol.seeds) > 1) + " " + ", ".join(map(str, protocol.seeds))
    return (
        f"{protocol.name}: {protocol.image_set} at {protocol.size} pixels, {protocol.scale} scale, "
        f"{protocol.steps:,} steps of batch {protocol.batch}, {seeds} (protocol {protocol.hash[:8]})"
    )
