"""A table: variants as rows, mask set and metric as columns, made from stored rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from bench_core.metrics import choose
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store import Entry, Run, Store

ARROWS = {"higher": "↑", "lower": "↓"}
DAGGER = "†"


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
    notes: Sequence[str] = field(default_factory=tuple)

    def header(self, definition: str) -> str:
        """A metric's title with the arrow to better values."""
        metric = self.metrics[definition]
        return f"{metric.title} {ARROWS[metric.better]}"


def build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> list[Table]:
    """One table for every protocol among the runs; of a cell in several runs, the last counts."""
    together: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        together.setdefault((run.protocol.hash, run.images), []).append(run)
    return [_build(store, alike, known) for alike in together.values()]


def _build(store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> Table:
    run = _merged(runs)
    rows = store.rows(run)
    metrics = {metric.definition: metric for metric in choose(run.protocol.metrics, known)}
    columns = pd.MultiIndex.from_product([run.protocol.test_masks, list(metrics)], names=["mask set", "metric"])
    variants = list(dict.fromkeys(entry.variant for entry in run.entries))
    cells = _seed_means(rows).groupby(["variant", "mask_set", "metric"])["value"]
    values, deviations = (_spread(series, variants, columns) for series in (cells.mean(), cells.std()))
    few = _few(rows, metrics)
    texts = values.astype(object)
    for variant in variants:
        states = {entry.state for entry in run.entries if entry.variant == variant}
        for column in columns:
            value, deviation = values.at[variant, column], deviations.at[variant, column]
            texts.at[variant, column] = (
                _text(value, deviation, metrics[column[1]], column in few) if "done" in states else min(states)
            )
    notes = [
        *_definitions(metrics.values()),
        *_few_note(few),
        *_missing(run, values, metrics),
        *_reasons(run.entries),
        *_perfect(rows, metrics),
        *_backbone(run),
        *_skipped(run),
    ]
    return Table(_title(run.protocol), values, texts, _best(values, metrics), metrics, notes)


def _merged(runs: Sequence[Run]) -> Run:
    """Runs of one protocol as one; of a cell in several, the last counts."""
    entries = {(entry.variant, entry.seed): entry for run in runs for entry in run.entries}
    missing = {definition: why for run in runs for definition, why in run.missing.items()}
    return replace(runs[-1], entries=list(entries.values()), missing=missing)


def _title(protocol: Protocol) -> str:
    seeds = f"{len(protocol.seeds)} seeds" if len(protocol.seeds) > 1 else f"seed {protocol.seeds[0]}"
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


def _spread(series: pd.Series, variants: list[str], columns: pd.MultiIndex) -> pd.DataFrame:
    frame = pd.DataFrame(np.nan, index=pd.Index(variants, name="method"), columns=columns)
    for (variant, mask_set, metric), value in series.items():
        if (mask_set, metric) in columns:
            frame.loc[variant, (mask_set, metric)] = value
    return frame


def _text(value: float, deviation: float, metric: Metric, few: bool) -> str:
    if np.isnan(value):
        return "-"
    text = "inf" if np.isinf(value) else f"{value:.{metric.digits}f}"
    if not np.isnan(deviation):
        text += f" ± {deviation:.{metric.digits}f}"
    return text + (DAGGER if few else "")


def _best(values: pd.DataFrame, metrics: Mapping[str, Metric]) -> pd.DataFrame:
    best = pd.DataFrame(False, index=values.index, columns=values.columns)
    for column in values.columns:
        found = values[column]
        goal = found.max() if metrics[column[1]].better == "higher" else found.min()
        best[column] = (found == goal) & (len(values) > 1)
    return best


def _few(rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> dict[tuple[str, str], int]:
    """Columns computed from fewer images than their metric asks for, with the number of images."""
    images = rows[rows["image"] != "*"].groupby("mask_set")["image"].nunique()
    return {
        (str(mask_set), metric.definition): int(count)
        for mask_set, count in images.items()
        for metric in metrics.values()
        if count < metric.fewest_images and (rows["metric"] == metric.definition).any()
    }


def _few_note(few: Mapping[tuple[str, str], int]) -> list[str]:
    return [
        f"{DAGGER} {definition} of {count} images on {mask_set} is biased: compare it within this table only."
        for (mask_set, definition), count in few.items()
    ]


def _definitions(metrics: Iterable[Metric]) -> list[str]:
    names = ", ".join(f"{metric.title} is {metric.definition}" for metric in metrics)
    return [f"{names}; on composites, means over images and seeds (`bench metrics` defines each)."]


def _reasons(entries: Sequence[Entry]) -> list[str]:
    return [
        f"{entry.variant}{f', seed {entry.seed},' if entry.state == 'failed' else ''} "
        f"{'failed' if entry.state == 'failed' else 'is n/a'}: {entry.reason}"
        for entry in entries
        if entry.reason
    ]


def _perfect(rows: pd.DataFrame, metrics: Mapping[str, Metric]) -> list[str]:
    infinite = rows[np.isinf(rows["value"]) & rows["metric"].isin(list(metrics))]
    return [
        f"{metrics[str(metric)].title} of {variant} on {mask_set}: {len(group)} images matched perfectly (infinite) "
        "and are left out of the mean."
        for (variant, mask_set, metric), group in infinite.groupby(["variant", "mask_set", "metric"])
    ]


def _missing(run: Run, values: pd.DataFrame, metrics: Mapping[str, Metric]) -> list[str]:
    done = list({entry.variant for entry in run.entries if entry.state == "done"})
    return [
        f"{metrics[definition].title} is missing: {why}"
        for definition, why in run.missing.items()
        if definition in metrics and values.loc[done].xs(definition, axis=1, level="metric").isna().any(axis=None)
    ]


def _backbone(run: Run) -> list[str]:
    who = dict.fromkeys(entry.variant for entry in run.entries if entry.looks_through)
    if run.protocol.backbone != "random" or not who:
        return []
    return [f"Trained with --backbone random (perceptual losses through seeded random VGG networks): {', '.join(who)}."]


def _skipped(run: Run) -> list[str]:
    count = len(run.skipped)
    return [f"{count} images that could not be decoded were left out for all methods."] if count else []
