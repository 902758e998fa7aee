"""Notes below a table: definitions, intervals, marks, and the reasons for gaps."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from bench_core.specs import Metric
from bench_core.statistics.margins import MIN_IMAGES
from bench_core.statistics.ranking import SIGNIFICANCE_LEVEL, images_needed
from bench_core.store.store import Run
from bench_reports.tables.columns import Column
from bench_reports.tables.gaps import gap_notes

FEW_IMAGES = "†"
"""Marks a value that was computed from too few images."""
LIKE_BEST = "≈"
"""Marks a value that is not distinguishable from the best."""
Metrics = Mapping[str, Metric]


def all_notes(run: Run, columns: Sequence[Column], known: Metrics) -> list[str]:
    """All notes of the usual table. `known` holds the installed metrics, for suggestions."""
    metrics = {column.metric.definition: column.metric for column in columns}
    return [
        _definition_note(metrics.values()),
        *interval_notes(run, columns),
        *_like_best_note(columns),
        *few_images_notes(columns, known),
        *gap_notes(run, columns),
        *perfect_match_notes(columns),
        *_run_notes(run),
    ]


def _definition_note(metrics: Iterable[Metric]) -> str:
    names = ", ".join(f"{metric.title} is {metric.definition}" for metric in metrics)
    return (
        f"{names} (see `bench metrics`). Values are means over images and seeds, measured on composites; metrics with "
        "raw in their name are measured on predictions."
    )


def interval_notes(run: Run, columns: Sequence[Column]) -> list[str]:
    """Explain what the intervals cover, and what they leave out."""
    counts = {column.result.num_photographs for column in columns if column.result}
    if not counts:
        return []
    how = "widened Student's t" if max(counts) < MIN_IMAGES else "studentised bootstrap"
    covered = f"± is half of the 95 % interval ({how}). It covers the choice of the {_range(counts)} "
    covered += "independent images" if run.copies else "images"
    if any((column.num_seeds > 1).any() for column in columns):
        covered += " and, for methods with several seeds, of the training seed"
    elif len(run.protocol.seeds) == 1:
        covered += ", but not of the training seed"
    notes = [f"{covered}."]
    if few := [column.result for column in columns if column.result and column.result.too_few_photographs]:
        found = _range({result.num_photographs for result in few})
        needed = images_needed(max(result.num_comparisons for result in few))
        notes.append(f"{found} images are too few to call any method better: use {needed} or more.")
    if whole := dict.fromkeys(column.metric.title for column in columns if column.metric.per == "set"):
        notes.append(f"{', '.join(whole)}: one value of the whole set, without interval.")
    return notes


def _like_best_note(columns: Sequence[Column]) -> list[str]:
    if not any(column.like_best for column in columns):
        return []
    return [
        f"{LIKE_BEST}: not distinguishable from the best of the column (paired differences, "
        f"p ≥ {SIGNIFICANCE_LEVEL:.0%}, corrected by Holm for all pairs of methods)."
    ]


def few_images_notes(columns: Sequence[Column], known: Metrics) -> list[str]:
    """Name the metrics that need more images, and the installed ones that do not."""
    few: dict[str, list[Column]] = {}
    for column in columns:
        if column.num_pairs < column.metric.fewest_images and len(column.means):
            few.setdefault(column.metric.definition, []).append(column)
    notes = []
    for short in few.values():
        metric, counts = short[0].metric, {column.num_pairs for column in short}
        alike = [other for other in known.values() if metric.features and other.features == metric.features]
        unbiased = [other.definition for other in alike if other.fewest_images <= min(counts)]
        notes.append(
            f"{FEW_IMAGES} {metric.title} of {_range(counts)} images, fewer than {metric.fewest_images:,}, is biased: "
            f"compare it within this table only{f', or measure {unbiased[0]}, which is unbiased' if unbiased else ''}."
        )
    return notes


def _range(counts: set[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def perfect_match_notes(columns: Sequence[Column]) -> list[str]:
    """Explain infinite values, and count the pairs that were left out because of them."""
    notes = []
    for column in columns:
        name = f"{column.metric.title} on {column.label}"
        perfect = column.means[np.isinf(column.means)].index
        notes += [f"{name}: {variant} matches every pair perfectly." for variant in perfect]
        if column.num_perfect:
            notes.append(
                f"{name}: {column.num_perfect} pairs that some method matches perfectly are left out for all methods."
            )
    return notes


def _run_notes(run: Run) -> list[str]:
    """Notes on random networks in losses, and on images: undecodable, copied, enlarged."""
    notes = []
    random = dict.fromkeys(entry.variant for entry in run.entries if entry.backbones)
    if run.protocol.backbone == "random" and random:
        notes.append(f"Trained with --backbone random (perceptual losses use random VGG weights): {', '.join(random)}.")
    if run.skipped:
        notes.append(f"{len(run.skipped)} images that could not be decoded were left out for all methods.")
    return notes + run.image_notes
