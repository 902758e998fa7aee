"""A table of results, and how it is built from stored rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import pandas as pd

from bench_core.metrics.select import select_metrics
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import build_columns
from bench_reports.tables.merging import MergedRun, merge_runs, seed_list
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
    """Build one table for all runs that share protocol, test images and training images.

    Raises:
        BadInput: rows of one column differ in definition, version or holes.
    """
    return [build_table(store, run, known) for run in merge_runs(store, runs)]


def build_table(store: Store, run: MergedRun, known: Mapping[str, Metric]) -> Table:
    """Build the table of a merged run. Raises BadInput like `build`."""
    metrics = protocol_metrics(run, known)
    columns = build_columns(run, store.rows(run), metrics)
    cells, notes = Cells(run, columns), all_notes(run, columns, known)
    frames = (cells.values, cells.texts, cells.best)
    return Table(protocol_title(run), *frames, metrics, notes, cells.details, cells.second)


def protocol_metrics(run: Run, known: Mapping[str, Metric]) -> dict[str, Metric]:
    """Return the metrics of a run's protocol by definition, in its order."""
    return {metric.definition: metric for metric in select_metrics(run.protocol.metrics, known)}


def metric_header(metric: Metric) -> str:
    """Return a metric's title with the arrow that points to better values."""
    return f"{metric.title} {ARROWS[metric.better]}"


def protocol_title(run: MergedRun) -> str:
    """Summarise a run's protocol and images in one line. Tables that must not be compared have different titles."""
    protocol, digests = run.protocol, [f"protocol {run.protocol.hash[:8]}", f"test images {run.images[:8]}"]
    if run.training_images:
        digests.append(f"training images {run.training_images[:8]}")
    if protocol.size:
        rules = (
            f"{protocol.image_set} at {protocol.size} pixels, {protocol.scale} scale, {protocol.steps:,} steps of "
            f"batch {protocol.batch}, {seed_list(protocol.seeds)}"
        )
    else:
        rules = "files as they are"
    return f"{protocol.name}: {rules} ({', '.join(digests)})"
