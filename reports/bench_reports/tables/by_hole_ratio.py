"""Table of `bench report --by hole_ratio`: one block of rows for each mask set and hole-ratio bucket."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import pandas as pd

from bench_core.metrics.code import features_name
from bench_core.specs import Metric, resolve
from bench_core.store.features import Features
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.tables.cells import Cells
from bench_reports.tables.columns import Column, build_column
from bench_reports.tables.consistency import check_rows
from bench_reports.tables.gaps import lacking
from bench_reports.tables.merging import merge_runs
from bench_reports.tables.notes import all_notes
from bench_reports.tables.table import Table, protocol_metrics, protocol_title

EDGES = [0, 0.01, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1]
"""Edges of the test set of Liu et al., ECCV 2018, extended to [0, 1]. A bucket includes its upper edge."""
LABELS = [f"{low:g}-{high:g}" for low, high in pairwise(EDGES)]
KEYS = ["mask set", "hole ratio", "pairs"]


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """Build one table for all runs that share protocol, test images and training images. Empty buckets are left out.

    Raises:
        BadInput: rows of one column differ in definition, version or holes.
    """
    return [
        Buckets(store, run, protocol_metrics(run, known)).table(known, f"{protocol_title(run)}, by hole ratio")
        for run in merge_runs(store, runs)
    ]


def bucket_labels(ratios: np.ndarray) -> np.ndarray:
    """Return the label of each hole ratio's bucket."""
    # ratios are stored with the digits of a float32
    return np.array(LABELS)[np.searchsorted(EDGES[1:-1], ratios.round(6), side="left")]


@dataclass(frozen=True)
class Buckets:
    """Columns of one run, split by hole ratio."""

    store: Store
    run: Run
    metrics: Mapping[str, Metric]

    def table(self, known: Mapping[str, Metric], title: str) -> Table:
        check_rows(self.run, self.rows, self.metrics)
        blocks = {(block[0].mask_set, block[0].bucket, block[0].num_pairs): block for block in self.columns()}
        columns = [column for block in blocks.values() for column in block]
        cells = {key: Cells(self.run, block) for key, block in blocks.items()}
        values, texts, best, second, details = (
            _stacked({key: getattr(each, kind) for key, each in cells.items()})
            for kind in ("values", "texts", "best", "second", "details")
        )
        notes = [*all_notes(self.run, columns, known), *self._feature_notes(columns)]
        return Table(title, values, texts, best.astype(bool), self.metrics, notes, details, second.astype(bool))

    @cached_property
    def rows(self) -> pd.DataFrame:
        return self.store.rows(self.run)

    def columns(self) -> Iterator[list[Column]]:
        """Yield the columns of each bucket, one for each metric, over all mask sets."""
        for mask_set in self.run.protocol.test_masks:
            yield from self.columns_of(mask_set)

    def columns_of(self, mask_set: str) -> Iterator[list[Column]]:
        """Yield the columns of each bucket of one mask set, one for each metric."""
        rows = self.rows[(self.rows["image"] != "*") & (self.rows["mask_set"] == mask_set)]
        labels = bucket_labels(rows["hole_ratio"].to_numpy())
        for label in LABELS:
            inside = rows[labels == label]
            if num_pairs := inside["image"].nunique():
                yield [self._column(mask_set, label, num_pairs, metric, inside) for metric in self.metrics.values()]

    def _column(self, mask_set: str, label: str, num_pairs: int, metric: Metric, inside: pd.DataFrame) -> Column:
        if metric.per == "set":
            rows = self._set_rows(mask_set, label, metric)
        else:
            rows = inside[inside["metric"] == metric.definition]
        return replace(build_column(self.run, mask_set, metric, rows), bucket=label, num_pairs=num_pairs)

    def _set_rows(self, mask_set: str, label: str, metric: Metric) -> pd.DataFrame:
        """Compute a metric of image sets from the stored features of a bucket with two pairs or more."""
        ground_truth = self.store.ground_truth_features(self.run, features_name(metric))
        values = []
        for entry in self.run.entries:
            features = self._features(entry, mask_set, metric)
            if features and ground_truth:
                inside = bucket_labels(features.hole_ratio) == label
                if inside.sum() > 1:
                    value = resolve(metric.compare)(features.values[inside], ground_truth.values[inside])
                    values.append((entry.variant, entry.seed, value))
        return pd.DataFrame(values, columns=["variant", "seed", "value"]).astype({"value": float})

    def _features(self, entry: CellStatus, mask_set: str, metric: Metric) -> Features | None:
        if entry.state != "done" or mask_set not in entry.evaluation_ids:
            return None
        return self.store.folder(entry).features(entry.evaluation_ids[mask_set], features_name(metric))

    def _feature_notes(self, columns: Sequence[Column]) -> list[str]:
        """Name the metrics of image sets that were measured, but whose features were not stored for all cells."""
        measured = set(self.rows["metric"].unique())
        sets = [each for each in columns if each.metric.per == "set" and each.metric.definition in measured]
        gaps: dict[str, list[str]] = {}
        for column in sets:
            for entry in lacking(self.run, column) if column.num_pairs > 1 else ():
                gaps.setdefault(column.metric.title, []).append(entry.title)
        return [
            f"{name}: its features are not stored for {'; '.join(dict.fromkeys(cells))}: repeat the bench run."
            for name, cells in gaps.items()
        ]


def _stacked(frames: Mapping[tuple, pd.DataFrame]) -> pd.DataFrame:
    """Stack frames. Their mask set moves from the columns to the names of the rows."""
    plain = {key: frame.rename(columns={key[0]: ""}, level=0) for key, frame in frames.items() if frame.columns.size}
    return pd.concat(plain, names=KEYS) if plain else pd.DataFrame()
