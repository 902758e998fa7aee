"""What stands below a table: all that a reader must know to judge its numbers."""

from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd

from bench_core.specs import Metric
from bench_core.store import Run

DAGGER = "†"
Metrics = Mapping[str, Metric]


def all_notes(run: Run, rows: pd.DataFrame, means: pd.DataFrame, metrics: Metrics) -> list[str]:
    return [
        *_definitions(metrics.values()),
        *_few(run, few_images(run, rows, metrics)),
        *_missing(run, means, metrics),
        *_reasons(run),
        *_perfect(rows, metrics),
        *_backbone(run),
        *_skipped(run),
    ]


def few_images(run: Run, rows: pd.DataFrame, metrics: Metrics) -> list[Metric]:
    """Metrics that were computed from fewer images than they ask for."""
    measured = set(rows["metric"])
    return [m for m in metrics.values() if run.num_pairs < m.fewest_images and m.definition in measured]


def _definitions(metrics: Iterable[Metric]) -> list[str]:
    names = ", ".join(f"{metric.title} is {metric.definition}" for metric in metrics)
    return [f"{names}; on composites, means over images and seeds (`bench metrics` defines each)."]


def _few(run: Run, few: Iterable[Metric]) -> list[str]:
    return [
        f"{DAGGER} {metric.title} of {run.num_pairs} images, fewer than {metric.fewest_images:,}, is biased: "
        "compare it within this table only."
        for metric in few
    ]


def _missing(run: Run, means: pd.DataFrame, metrics: Metrics) -> list[str]:
    done = list({entry.variant for entry in run.entries if entry.state == "done"})
    gaps = means.loc[done].isna().T.groupby(level="metric").any().any(axis="columns").to_dict()
    return [
        f"{metrics[definition].title} is missing: {why}"
        for definition, why in run.missing.items()
        if gaps.get(definition)
    ]


def _reasons(run: Run) -> list[str]:
    reasons = []
    for entry in run.entries:
        if entry.state == "n/a":
            reasons.append(f"{entry.variant} is n/a: it {entry.reason}.")
        elif entry.state == "failed":
            reasons.append(f"{entry.variant}, seed {entry.seed}, failed: {entry.reason}")
        else:
            reasons += [f"{entry.variant} is n/a on {name}: it {why}." for name, why in entry.refused.items()]
        reasons += entry.remarks
    return list(dict.fromkeys(reasons))  # most are the same at every seed


def _perfect(rows: pd.DataFrame, metrics: Metrics) -> list[str]:
    infinite = rows[np.isinf(rows["value"]) & rows["metric"].isin(list(metrics))]
    counts = infinite.value_counts(["variant", "mask_set", "metric"], sort=False).reset_index(name="count")
    return [
        f"{metrics[row['metric']].title} of {row['variant']} on {row['mask_set']}: {row['count']} perfect matches "
        "are infinite; the mean is that of the others, if there are any."
        for row in counts.to_dict("records")
    ]


def _backbone(run: Run) -> list[str]:
    who = dict.fromkeys(entry.variant for entry in run.entries if entry.looks_through)
    if run.protocol.backbone != "random" or not who:
        return []
    return [f"Trained with --backbone random (perceptual losses through seeded random VGG networks): {', '.join(who)}."]


def _skipped(run: Run) -> list[str]:
    count = len(run.skipped)
    return [f"{count} images that could not be decoded were left out for all methods."] if count else []
