"""What stands below a table: all that a reader must know to judge its numbers."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bench_core.specs import Metric
from bench_core.statistics.bootstrap import MIN_IMAGES
from bench_core.statistics.ranking import SIGNIFICANCE_LEVEL
from bench_core.store.store import Run
from bench_reports.tables.columns import Column

DAGGER = "†"
"""Marks a number of too few images."""
ALIKE = "≈"
"""Marks what cannot be told from the best."""
Metrics = Mapping[str, Metric]


def all_notes(run: Run, columns: Sequence[Column], known: Metrics) -> list[str]:
    metrics = {column.metric.definition: column.metric for column in columns}
    return [
        *_definitions(metrics.values()),
        *of_intervals(run, columns),
        *_alike(columns),
        *of_few(columns, known),
        *_missing(run, columns),
        *reasons(run),
        *_partial(columns),
        *of_perfect(columns),
        *_backbone(run),
        *_skipped(run),
    ]


def _definitions(metrics: Iterable[Metric]) -> list[str]:
    names = ", ".join(f"{metric.title} is {metric.definition}" for metric in metrics)
    return [f"{names}; means over images and seeds, of composites but for names with raw (`bench metrics` has each)."]


def of_intervals(run: Run, columns: Sequence[Column]) -> list[str]:
    """What an interval is of, and what is no part of it."""
    counts = {column.standing.photographs for column in columns if column.standing}
    if not counts:
        return []
    how = "Student's t, for they are too few to resample" if max(counts) < MIN_IMAGES else "studentised bootstrap"
    notes = [f"Intervals (95 %; ± is half of one) are for {_range(counts)} other images of the kind ({how})"]
    if any((column.seeds > 1).any() for column in columns):
        notes[0] += ", and for other seeds where a method has several"
    if len(run.protocol.seeds) == 1:
        notes[0] += "; what another training seed would change is not in them"
    whole = dict.fromkeys(column.metric.title for column in columns if column.metric.per == "set")
    notes += [f"{', '.join(whole)}: one number of a whole set has no interval here."] if whole else []
    return [f"{notes[0]}.", *notes[1:]]


def _alike(columns: Sequence[Column]) -> list[str]:
    if not any(column.like_best for column in columns):
        return []
    return [
        f"{ALIKE}: not distinguishable from the best of the column (differences on the same pairs, p from "
        f"{SIGNIFICANCE_LEVEL:.0%} on, corrected by Holm for all pairs of methods)."
    ]


def of_few(columns: Sequence[Column], known: Metrics) -> list[str]:
    """Which metrics were computed from fewer images than they ask for, and what to ask for in their place."""
    few: dict[str, list[Column]] = {}
    for column in columns:
        if column.pairs < column.metric.fewest_images and len(column.means):
            few.setdefault(column.metric.definition, []).append(column)
    return [_few(of[0].metric, {column.pairs for column in of}, known) for of in few.values()]


def _few(metric: Metric, pairs: set[int], known: Metrics) -> str:
    alike = [other for other in known.values() if metric.features and other.features == metric.features]
    offered = [other.definition for other in alike if other.fewest_images <= min(pairs)]
    return (
        f"{DAGGER} {metric.title} of {_range(pairs)} images, fewer than {metric.fewest_images:,}, is biased: compare "
        f"it within this table only{f', or measure {offered[0]}, which has no such bias' if offered else ''}."
    )


def _range(counts: set[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _missing(run: Run, columns: Sequence[Column]) -> list[str]:
    done = {entry.variant for entry in run.entries if entry.state == "done"}
    gaps = {column.metric.definition: column.metric.title for column in columns if done - set(column.means.index)}
    return [f"{gaps[definition]} is missing: {why}" for definition, why in run.missing.items() if definition in gaps]


def reasons(run: Run) -> list[str]:
    """Why methods have no numbers, and what to know of those that have."""
    told = []
    for entry in run.entries:
        if entry.state == "n/a":
            told.append(f"{entry.variant} is n/a: it {entry.reason}.")
        elif entry.state == "failed":
            told.append(f"{entry.variant}, seed {entry.seed}, failed: {entry.reason}")
        else:
            told += [f"{entry.variant} is n/a on {name}: it {why}." for name, why in entry.refused.items()]
        told += entry.notes
    return list(dict.fromkeys(told))  # most are the same at every seed


def _partial(columns: Sequence[Column]) -> list[str]:
    return [
        f"{variant} is n/a for {column.metric.title} on {column.where}: it was measured on {count} pairs only."
        for column in columns
        for variant, count in column.partial.items()
    ]


def of_perfect(columns: Sequence[Column]) -> list[str]:
    """Where values are infinite, and what was done about it."""
    notes = []
    for column in columns:
        where = f"{column.metric.title} on {column.where}"
        notes += [
            f"{where}: {name} matches every pair perfectly." for name in column.means[np.isinf(column.means)].index
        ]
        if column.perfect:
            notes.append(
                f"{where}: {column.perfect} pairs that some method matches perfectly are left out for all methods."
            )
    return notes


def _backbone(run: Run) -> list[str]:
    who = dict.fromkeys(entry.variant for entry in run.entries if entry.backbones)
    if run.protocol.backbone != "random" or not who:
        return []
    return [f"Trained with --backbone random (perceptual losses through seeded random VGG networks): {', '.join(who)}."]


def _skipped(run: Run) -> list[str]:
    count = len(run.skipped)
    return [f"{count} images that could not be decoded were left out for all methods."] if count else []
