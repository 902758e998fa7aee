"""The cells of a table: a row for each variant of a run, filled from columns."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench_core.store.store import Run
from bench_reports.tables.columns import Column
from bench_reports.tables.notes import ALIKE, DAGGER


@dataclass(frozen=True)
class Cells:
    """Frames with the same rows and, but for `details`, the same columns."""

    run: Run
    columns: Sequence[Column]

    @property
    def variants(self) -> pd.Index:
        return pd.Index(dict.fromkeys(entry.variant for entry in self.run.entries), name="method")

    @property
    def values(self) -> pd.DataFrame:
        """Means over images and seeds; NaN where there is none."""
        return self._framed({column.key: column.means for column in self.columns}, np.nan)

    @property
    def best(self) -> pd.DataFrame:
        return self._framed({column.key: column.best for column in self.columns}, False)

    @property
    def second(self) -> pd.DataFrame:
        return self._framed({column.key: column.second for column in self.columns}, False)

    @property
    def details(self) -> pd.DataFrame:
        """Ends of the intervals, ranks and groups, under (mask set, definition, what)."""
        parts = {
            (*column.key, str(what)): series
            for column in self.columns
            if column.standing
            for what, series in column.standing.details.items()
        }
        return pd.DataFrame(parts).reindex(self.variants)

    @property
    def texts(self) -> pd.DataFrame:
        """A mean with half the width of its interval and the marks that notes explain, or why there is none."""
        states = self._states()
        texts = {}
        for column in self.columns:
            found = _texts(column)
            texts[column.key] = pd.Series(
                {name: found.get(name, "n/a" if name in column.partial else state) for name, state in states.items()}
            )
            refused = [entry.variant for entry in self.run.entries if column.mask_set in entry.refused]
            texts[column.key][refused] = "n/a"
        return self._framed(texts, "-")

    def _states(self) -> dict[str, str]:
        """What stands for a value that is not there."""
        states: dict[str, set[str]] = {}
        for entry in self.run.entries:
            states.setdefault(entry.variant, set()).add(entry.state)
        return {variant: "-" if "done" in found else min(found) for variant, found in states.items()}

    def _framed(self, parts: dict[tuple[str, str], pd.Series], gap: float | str) -> pd.DataFrame:
        whole = {key: series.reindex(self.variants, fill_value=gap) for key, series in parts.items()}
        frame = pd.DataFrame(whole, self.variants)
        return frame.set_axis(pd.MultiIndex.from_tuples(parts, names=["mask_set", "metric"]), axis=1)


def _texts(column: Column) -> dict[str, str]:
    digits, halves = column.metric.digits, {}
    if column.standing:
        comparison = column.standing.comparison
        halves = dict(zip(column.standing.variants, (comparison.high - comparison.low) / 2, strict=True))
    few = DAGGER * (column.pairs < column.metric.fewest_images)
    alike = column.like_best
    named = ((str(variant), mean) for variant, mean in column.means.items())
    return {
        variant: f"{mean:.{digits}f}"
        + (f" ± {halves[variant]:.{digits}f}" if variant in halves else "")
        + few
        + ALIKE * (variant in alike)
        for variant, mean in named
        if not np.isnan(mean)
    }
