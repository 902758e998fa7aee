"""What figures are drawn from, and what of it they are asked to show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from bench_core.errors import BadInput, unknown
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.figures import style
from bench_reports.tables import consistency
from bench_reports.tables.columns import Column, column
from bench_reports.tables.table import wanted


@dataclass(frozen=True)
class Source:
    """A run with the store that holds its rows."""

    store: Store
    run: Run
    """One of `bench_reports.tables.table.merged`."""
    known: Mapping[str, Metric]
    """By definition."""

    def metric(self, name: str) -> Metric:
        """A metric of the run's protocol by its definition or bare name; the first one if none is asked for.

        Raises:
            BadInput: it was not measured.
        """
        metrics = list(wanted(self.run, self.known).values())
        named = {each.name: each for each in reversed(metrics)} | {each.definition: each for each in metrics}
        if name and name not in named:
            raise unknown("metric in this run", name, named)
        return named[name] if name else metrics[0]

    def mask_set(self, name: str) -> str:
        """One of the run's mask sets; the first one if none is asked for.

        Raises:
            BadInput: there is no such.
        """
        if name and name not in self.run.protocol.test_masks:
            raise unknown("mask set in this run", name, self.run.protocol.test_masks)
        return name or self.run.protocol.test_masks[0]

    def column(self, mask_set: str, definition: str) -> Column:
        """The table's column.

        Raises:
            BadInput: there is none, or it is empty.
        """
        metric, where, rows = self.metric(definition), self.mask_set(mask_set), self.store.rows(self.run)
        self.check(rows)
        here = rows[(rows["mask_set"] == where) & (rows["metric"] == metric.definition)]
        found = column(self.run, where, metric, here)
        if found.means.empty:
            raise self.nothing(metric, where)
        return found

    def check(self, rows: pd.DataFrame) -> None:
        """Raises BadInput where rows of one column do not mean the same."""
        consistency.check(self.run, rows, wanted(self.run, self.known))

    def nothing(self, metric: Metric, where: str) -> BadInput:
        """The error where no method has a value, with the reason as far as it is known."""
        usual = "repeat the bench run, or choose another with --metric or --mask-set"
        why = self.run.missing.get(metric.definition, usual)
        return BadInput(f"There is nothing to draw: no method has {metric.title} on {where} ({why}).")


def looks(run: Run, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The looks of these variants, or of all if none is asked for; nobody's look depends on who else is drawn.

    Raises:
        BadInput: one is not in the run.
    """
    every = style.looks(entry.variant for entry in run.entries)
    for name in names:
        if name not in every:
            raise unknown("method in this run", name, every)
    return {name: look for name, look in every.items() if not names or name in names}
