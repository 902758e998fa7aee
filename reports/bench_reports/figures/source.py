"""Data source of a figure: a run with its store, and the selection of metric, mask set and methods."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench_core.errors import BadInput, unknown
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.figures import style
from bench_reports.tables.columns import Column, build_column
from bench_reports.tables.consistency import check_rows
from bench_reports.tables.gaps import state_notes
from bench_reports.tables.table import protocol_metrics


@dataclass(frozen=True)
class Source:
    """A run with the store that holds its rows."""

    store: Store
    run: Run
    """A run merged by `bench_reports.tables.merging.merge_runs`."""
    known: Mapping[str, Metric]
    """Installed metrics by definition."""

    def metric(self, name: str) -> Metric:
        """Return a metric of the run by definition or bare name; the protocol's first if the name is empty.

        Raises:
            BadInput: the protocol does not have it.
        """
        metrics = list(protocol_metrics(self.run, self.known).values())
        named = {each.name: each for each in reversed(metrics)} | {each.definition: each for each in metrics}
        if name and name not in named:
            raise unknown("metric in this run", name, named)
        return named[name] if name else metrics[0]

    def mask_set(self, name: str) -> str:
        """Return a mask set of the run; the protocol's first if the name is empty.

        Raises:
            BadInput: the protocol does not have it.
        """
        if name and name not in self.run.protocol.test_masks:
            raise unknown("mask set in this run", name, self.run.protocol.test_masks)
        return name or self.run.protocol.test_masks[0]

    def column(self, mask_set: str, definition: str) -> Column:
        """Build one column of the usual table.

        Raises:
            BadInput: the selection is unknown, or the column is empty.
        """
        metric, mask_set, rows = self.metric(definition), self.mask_set(mask_set), self.store.rows(self.run)
        self.check(rows)
        selected = rows[(rows["mask_set"] == mask_set) & (rows["metric"] == metric.definition)]
        column = build_column(self.run, mask_set, metric, selected)
        if column.means.empty:
            raise self.no_values_error(metric, mask_set)
        return column

    def check(self, rows: pd.DataFrame) -> None:
        """Raise BadInput if rows of one column differ in definition, version or holes."""
        check_rows(self.run, rows, protocol_metrics(self.run, self.known))

    def no_values_error(self, metric: Metric, mask_set: str) -> BadInput:
        """Return the error for a column without values, with the reason if it is known."""
        advice = "Repeat the bench run, or choose another with --metric or --mask-set."
        why = self.run.missing.get(metric.definition, " ".join([*state_notes(self.run), advice]))
        return BadInput(f"There is nothing to draw: no method has {metric.title} on {mask_set} ({why}).")


def method_styles(run: Run, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the line styles of some variants; of all if no names are given. They do not depend on the selection.

    Raises:
        BadInput: a name is not in the run.
    """
    styles = style.line_styles(entry.variant for entry in run.entries)
    for name in names:
        if name not in styles:
            raise unknown("method in this run", name, styles)
    return {name: each for name, each in styles.items() if not names or name in names}
