"""A table by the size of holes: for each mask set and tenth of the hole ratio, every method on the pairs in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from bench_core.specs import Metric, resolve
from bench_core.store.features import Features
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.tables import notes
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import Column, column
from bench_reports.tables.consistency import check
from bench_reports.tables.table import Table, merged, title, wanted

EDGES = [0, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1]
"""As in the test set of Liu et al., ECCV 2018, and what lies outside it; a bucket holds its upper edge."""
LABELS = [f"{low:g}-{high:g}" for low, high in pairwise(EDGES)]
KEYS = ["mask set", "hole ratio", "pairs"]


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """One table for all runs that have protocol and test images in common. Empty buckets are left out.

    Raises:
        BadInput: rows of one column do not mean the same.
    """
    return [Buckets(store, run, wanted(run, known)).table(known) for run in merged(runs)]


def bucket(ratios: np.ndarray) -> np.ndarray:
    """The labels of hole ratios."""
    # ratios are stored with the digits of a float32
    return np.array(LABELS)[np.searchsorted(EDGES[1:-1], ratios.round(6), side="left")]


@dataclass(frozen=True)
class Buckets:
    store: Store
    run: Run
    metrics: Mapping[str, Metric]

    def table(self, known: Mapping[str, Metric]) -> Table:
        check(self.run, self.rows, self.metrics)
        blocks = {(of[0].mask_set, of[0].part, of[0].pairs): of for of in self.columns()}
        every = [column for of in blocks.values() for column in of]
        frames = {key: Cells(self.run, of) for key, of in blocks.items()}
        values, texts, best, second, details = (
            _stacked({key: getattr(cells, kind) for key, cells in frames.items()}, self.metrics)
            for kind in ("values", "texts", "best", "second", "details")
        )
        told = [*notes.all_notes(self.run, every, known), *self._gaps(every)]
        heading = f"{title(self.run.protocol)}, by hole ratio"
        return Table(heading, values, texts, best.astype(bool), self.metrics, told, details, second.astype(bool))

    @cached_property
    def rows(self) -> pd.DataFrame:
        return self.store.rows(self.run)

    def columns(self) -> Iterator[list[Column]]:
        """For each bucket of each mask set one column for each metric."""
        for mask_set in self.run.protocol.test_masks:
            yield from self.columns_of(mask_set)

    def columns_of(self, mask_set: str) -> Iterator[list[Column]]:
        """Those of one mask set."""
        here = self.rows[(self.rows["image"] != "*") & (self.rows["mask_set"] == mask_set)]
        labels = bucket(here["hole_ratio"].to_numpy())
        for label in LABELS:
            inside = here[labels == label]
            pairs = inside["image"].nunique()
            if pairs:
                yield [self._column(mask_set, label, pairs, metric, inside) for metric in self.metrics.values()]

    def _column(self, mask_set: str, label: str, pairs: int, metric: Metric, inside: pd.DataFrame) -> Column:
        rows = inside[inside["metric"] == metric.definition]
        if metric.per == "set":
            rows = self._rows_of_set(mask_set, label, metric)
        return replace(column(self.run, mask_set, metric, rows), part=label, pairs=pairs)

    def _rows_of_set(self, mask_set: str, label: str, metric: Metric) -> pd.DataFrame:
        """The metric's values from the stored features of the pairs in a bucket; two pairs are the least."""
        truth = self.store.ground_truth_features(self.run, metric.features)
        values = []
        for entry in self.run.entries:
            found = self._features(entry, mask_set, metric)
            if found and truth:
                inside = bucket(found.hole_ratio) == label
                if inside.sum() > 1:
                    value = resolve(metric.compare)(found.values[inside], truth.values[inside])
                    values.append((entry.variant, entry.seed, value))
        return pd.DataFrame(values, columns=["variant", "seed", "value"]).astype({"value": float})

    def _features(self, entry: CellStatus, mask_set: str, metric: Metric) -> Features | None:
        if entry.state != "done" or mask_set not in entry.evaluation_ids:
            return None
        return self.store.folder(entry).features(entry.evaluation_ids[mask_set], metric.features)

    def _gaps(self, every: Sequence[Column]) -> list[str]:
        """A metric of a whole set whose features are not stored."""
        measured = set(self.rows["metric"].unique())
        gaps = {of.metric.title for of in every if of.metric.per == "set" and of.metric.definition in measured}
        gaps -= {of.metric.title for of in every if len(of.means)}
        return [f"{name}: the features that it compares are not stored here; repeat the bench run." for name in gaps]


def _stacked(frames: Mapping[tuple, pd.DataFrame], metrics: Mapping[str, Metric]) -> pd.DataFrame:
    """One frame above the other, under columns without a mask set: that is in the names of the rows."""
    plain = {key: frame.rename(columns={key[0]: ""}, level=0) for key, frame in frames.items() if frame.columns.size}
    return pd.concat(plain, names=KEYS) if plain else pd.DataFrame()
