"""Cells of a table: one row for each variant of a run, filled from columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from bench_core.store.store import Run
from bench_reports.tables.columns import Column
from bench_reports.tables.gaps import FEWER_SEEDS
from bench_reports.tables.notes import FEW_IMAGES, LIKE_BEST


@dataclass(frozen=True)
class Cells:
    """Frames of a table. All have the same rows; all but `details` have the same columns."""

    run: Run
    columns: Sequence[Column]

    @property
    def variants(self) -> pd.Index:
        return pd.Index(dict.fromkeys(entry.variant for entry in self.run.entries), name="method")

    @property
    def values(self) -> pd.DataFrame:
        """Means over images and seeds; NaN if missing."""
        return self._framed({column.key: column.means for column in self.columns}, np.nan)

    @property
    def best(self) -> pd.DataFrame:
        return self._framed({column.key: column.best for column in self.columns}, False)

    @property
    def second(self) -> pd.DataFrame:
        return self._framed({column.key: column.second for column in self.columns}, False)

    @property
    def details(self) -> pd.DataFrame:
        """Ends of the intervals, ranks and groups, in columns (mask set, definition, detail)."""
        parts = {
            (*column.key, str(detail)): series
            for column in self.columns
            if column.result
            for detail, series in column.result.details.items()
        }
        return pd.DataFrame(parts).reindex(self.variants)

    @property
    def texts(self) -> pd.DataFrame:
        """Mean, half of its interval and marks; or the state of a variant without a value, such as failed or n/a."""
        states: dict[str, set[str]] = {}
        for entry in self.run.entries:
            states.setdefault(entry.variant, set()).add(entry.state)
        gaps = {variant: "-" if "done" in found else min(found) for variant, found in states.items()}
        texts = {}
        for column in self.columns:
            partial = dict.fromkeys(column.partial, "n/a")
            refused = {entry.variant: "n/a" for entry in self.run.entries if column.mask_set in entry.refused}
            lost = {entry.variant: "missing" for entry in self.run.entries if column.mask_set in entry.missing}
            texts[column.key] = pd.Series(gaps | partial | lost | _texts(column) | refused)
        return self._framed(texts, "-")

    def _framed(self, parts: Mapping[tuple[str, str], pd.Series], gap: float | str) -> pd.DataFrame:
        whole = {key: series.reindex(self.variants, fill_value=gap) for key, series in parts.items()}
        frame = pd.DataFrame(whole, self.variants)
        return frame.set_axis(pd.MultiIndex.from_tuples(parts, names=["mask_set", "metric"]), axis=1)


def _texts(column: Column) -> dict[str, str]:
    """Printed cells by variant, without those that have no mean."""
    digits, halves = column.metric.digits, {}
    if column.result:
        comparison = column.result.comparison
        halves = dict(zip(column.result.variants, (comparison.high - comparison.low) / 2, strict=True))
    few = FEW_IMAGES * (column.num_pairs < column.metric.fewest_images)
    like_best = column.like_best
    return {
        variant: f"{mean:.{digits}f}"
        + (f" ± {halves[variant]:.{digits}f}" if variant in halves else "")
        + few
        + FEWER_SEEDS * (variant in column.missing_seeds)
        + LIKE_BEST * (variant in like_best)
        for variant, mean in zip(column.means.index.astype(str), column.means, strict=True)
        if not np.isnan(mean)
    }
