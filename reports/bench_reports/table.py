"""A table: variants as rows, mask set and metric as columns, made from stored rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
import pandas as pd

from bench_core.metrics import choose
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store import Run, Store
from bench_reports import notes

ARROWS = {"higher": "↑", "lower": "↓"}


@dataclass(frozen=True)
class Table:
    """All that a format needs to print. The three frames have the same rows and columns (mask set, definition)."""

    title: str
    values: pd.DataFrame
    """Means over images and seeds; NaN where there is none."""
    texts: pd.DataFrame
    """The same as it is printed."""
    best: pd.DataFrame
    """Whether a value is the best of its column."""
    metrics: Mapping[str, Metric]
    """By definition."""
    notes: Sequence[str]

    @property
    def columns(self) -> list[tuple[str, str]]:
        """Mask set and definition of every column."""
        return [(mask_set, definition) for mask_set, definition in self.values.columns.to_flat_index()]

    @property
    def groups(self) -> list[tuple[str, int]]:
        """Mask sets with the number of their columns."""
        return [(name, len(list(group))) for name, group in groupby(mask_set for mask_set, _ in self.columns)]

    @property
    def lines(self) -> list[tuple[str, list[tuple[str, bool]]]]:
        """For each variant, every cell's text and whether it is the best of its column."""
        cells = zip(self.values.index, self.texts.to_numpy(), self.best.to_numpy(), strict=True)
        return [(str(variant), list(zip(texts, best, strict=True))) for variant, texts, best in cells]

    def header(self, definition: str) -> str:
        """A metric's title with the arrow to better values."""
        metric = self.metrics[definition]
        return f"{metric.title} {ARROWS[metric.better]}"


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """One table for all runs that have protocol and test images in common; of a cell in several, the last counts."""
    together: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        together.setdefault((run.protocol.hash, run.images), []).append(run)
    return [_table(store, _merged(alike), known) for alike in together.values()]


def _merged(runs: Sequence[Run]) -> Run:
    entries = {(entry.variant, entry.seed): entry for run in runs for entry in run.entries}
    missing = {definition: why for run in runs for definition, why in run.missing.items()}
    return replace(runs[-1], entries=list(entries.values()), missing=missing)


def _table(store: Store, run: Run, known: Mapping[str, Metric]) -> Table:
    rows = store.rows(run)
    metrics = {metric.definition: metric for metric in choose(run.protocol.metrics, known)}
    columns = pd.MultiIndex.from_product([run.protocol.test_masks, list(metrics)], names=["mask_set", "metric"])
    variants = pd.Index(dict.fromkeys(entry.variant for entry in run.entries), name="method")
    seeds = _seed_means(rows).groupby(["variant", "mask_set", "metric"])["value"]
    means, deviations = (
        frame.unstack(["mask_set", "metric"]).reindex(index=variants, columns=columns)
        for frame in (seeds.mean(), seeds.std())
    )
    few = notes.few_images(run, rows, metrics)
    texts = pd.DataFrame("", variants, columns)
    for column in columns:
        metric = metrics[column[1]]
        mark = notes.DAGGER if metric in few else ""
        numbers = zip(means[column], deviations[column], strict=True)
        texts[column] = [_text(mean, deviation, metric, mark) for mean, deviation in numbers]
    for variant in variants:
        entries = [entry for entry in run.entries if entry.variant == variant]
        states = {entry.state for entry in entries}
        if "done" not in states:
            texts.loc[variant] = min(states)
        refused = {mask_set for entry in entries for mask_set in entry.refused}
        texts.loc[variant, [column for column in columns if column[0] in refused]] = "n/a"
    return Table(
        _title(run.protocol), means, texts, _best(means, metrics), metrics, notes.all_notes(run, rows, means, metrics)
    )


def _title(protocol: Protocol) -> str:
    seeds = "seed" + "s" * (len(protocol.seeds) > 1) + " " + ", ".join(map(str, protocol.seeds))
    return (
        f"{protocol.name}: {protocol.image_set} at {protocol.size} pixels, {protocol.scale} scale, "
        f"{protocol.steps:,} steps of batch {protocol.batch}, {seeds} (protocol {protocol.hash[:8]})"
    )


def _seed_means(rows: pd.DataFrame) -> pd.DataFrame:
    """Means over images. An infinite value counts only where all are infinite."""
    keys = ["variant", "seed", "mask_set", "metric"]
    finite = rows[np.isfinite(rows["value"])].groupby(keys)["value"].mean()
    anything = rows.groupby(keys)["value"].mean()
    return finite.reindex(anything.index).fillna(anything).reset_index()


def _text(mean: float, deviation: float, metric: Metric, mark: str) -> str:
    if np.isnan(mean):
        return "-"
    spread = "" if np.isnan(deviation) else f" ± {deviation:.{metric.digits}f}"
    return f"{mean:.{metric.digits}f}{spread}{mark}"


def _best(means: pd.DataFrame, metrics: Mapping[str, Metric]) -> pd.DataFrame:
    best = pd.DataFrame(False, index=means.index, columns=means.columns)
    for column in means.columns:
        found = means[column]
        goal = found.max() if metrics[column[1]].better == "higher" else found.min()
        best[column] = (found == goal) & (len(means) > 1)
    return best
