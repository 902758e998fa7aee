"""Confidence intervals and p-values of methods that are measured on the same pairs.

Other photographs would have given other means. A *paired bootstrap* imitates that: it resamples photographs with
replacement, with the same resamples for all methods. Its intervals are studentised (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, section 12.5), since those keep their coverage for skewed values. Few photographs
follow a widened Student's t. Other training seeds would have given other means, too. Seeds are too few to resample, so
they always follow Student's t.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from bench_core import seeds
from bench_core.statistics.contrasts import intervals
from bench_core.statistics.margins import TrainingMargins

RESAMPLES = 10_000
BLOCK_SIZE = 5_000_000
"""Errors, or differences of photographs, in memory at a time. Contrasts grow with the square of the methods."""


@dataclass(frozen=True)
class Comparison:
    """Means of methods and their differences, with 95 % intervals. Entry (a, b) of a square array is a minus b."""

    means: Float[ndarray, " methods"]
    low: Float[ndarray, " methods"]
    high: Float[ndarray, " methods"]
    differences: Float[ndarray, "methods methods"]
    differences_low: Float[ndarray, "methods methods"]
    differences_high: Float[ndarray, "methods methods"]
    p: Float[ndarray, "methods methods"]
    """Two-sided p-values of equal methods, not corrected for the number of comparisons. p is below 0.05 if and only if
    the interval excludes zero. NaN for two methods with equal values on all photographs: they cannot differ."""


def compare(
    values: Sequence[Float[ndarray, "_ pairs"]],
    photographs: Shaped[ndarray, " pairs"],
    *seed: Any,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare methods on the same pairs.

    Args:
        values: finite values of each method, (seeds, pairs), with the pairs in the same order. A method with one seed
            gets no error of training in its mean. In a difference it borrows the variance of the other method. Repeat
            the values of a method that is not trained, and nothing is borrowed.
        photographs: name of each pair's photograph. Crops of one photograph are not independent, so they are resampled
            together. There must be two photographs or more.
        seed: JSON values that seed the resampling. The same values give the same numbers.
        resamples: number of resamples.
    """
    count = len(values)
    per_photograph = group_by_photograph(np.stack([each.mean(0) for each in values], axis=1), photographs)
    # A mean is a difference from zero, which stands behind the last method.
    first, second = np.triu_indices(count + 1, 1)
    size = max(1, BLOCK_SIZE // max(resamples, len(per_photograph)))
    training, found = TrainingMargins.of(values), []
    for block in (slice(start, start + size) for start in range(0, len(first), size)):
        rng = seeds.generator("bootstrap", *seed)  # every block gets the same resamples
        found.append(intervals(per_photograph, training, first[block], second[block], resamples, rng))
    low, high, p = (np.concatenate(parts) for parts in zip(*found, strict=True))
    low, high, p = _square(low, -high, count + 1), _square(high, -low, count + 1), _square(p, p, count + 1)
    means = per_photograph.mean(0)
    return Comparison(
        means,
        low[:-1, -1],
        high[:-1, -1],
        means[:, None] - means,
        low[:-1, :-1],
        high[:-1, :-1],
        p[:-1, :-1] + np.eye(count),
    )


def group_by_photograph(
    values: Float[ndarray, "pairs methods"], photographs: Shaped[ndarray, " pairs"]
) -> Float[ndarray, "photographs methods"]:
    """Return one value per photograph whose mean and standard error are those of the mean over pairs."""
    names, indexes = np.unique(photographs, return_inverse=True)
    assert len(names) > 1, "errors need two photographs"
    means = values.mean(0)
    sums = np.stack([np.bincount(indexes, column) for column in (values - means).T], axis=1)
    return means + sums * (len(names) / len(values))


def _square(upper: Float[ndarray, " k"], lower: Float[ndarray, " k"], count: int) -> Float[ndarray, "methods methods"]:
    """Build a square array from the entries (a, b) with a < b, row by row, and their mirror entries."""
    full = np.zeros((count, count))
    first, second = np.triu_indices(count, 1)
    full[first, second], full[second, first] = upper, lower
    return full
