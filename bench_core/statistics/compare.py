"""Confidence intervals and p-values of methods that are measured on the same pairs.

Other photographs would have given other means. A *paired bootstrap* imitates that: it resamples photographs with
replacement, with the same resamples for all methods. Its intervals are studentised (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, section 12.5), since those keep their coverage for skewed values. Other training
seeds would have given other means, too. Seeds are too few to resample, so their errors are normal with Student's tails.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped
from numpy import ndarray

from bench_core import seeds
from bench_core.statistics.bootstrap import add_training_errors, contrasts, sampling_errors

RESAMPLES = 10_000
RESAMPLES_PER_PAIR = 50
"""Minimum number of resamples per pair of methods. With fewer, no p-value could survive Holm's correction."""
CONFIDENCE = 0.95


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
    """Two-sided p-values of equal methods, not corrected for the number of comparisons."""


def compare(
    values: Sequence[Float[ndarray, "_ pairs"]],
    photographs: Shaped[ndarray, " pairs"],
    *seed: Any,
    resamples: int | None = None,
) -> Comparison:
    """Compare methods on the same pairs.

    Args:
        values: finite values of each method, (seeds, pairs), with the pairs in the same order. A method with one seed
            gets no error of training.
        photographs: name of each pair's photograph. Crops of one photograph are not independent, so they are resampled
            together. There must be two photographs or more.
        seed: JSON values that seed the resampling. The same values give the same numbers.
        resamples: number of resamples; None chooses enough for the number of methods.
    """
    count = len(values)
    rng = seeds.generator("bootstrap", *seed)
    resamples = resamples or max(RESAMPLES, RESAMPLES_PER_PAIR * count * (count - 1) // 2)
    per_photograph = _group_by_photograph(np.stack([each.mean(0) for each in values], axis=1), photographs)
    errors, spread = sampling_errors(per_photograph, resamples, rng)
    add_training_errors(errors, spread, values, rng)
    means = per_photograph.mean(0)
    plausible = contrasts(means[None]) - errors
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(plausible, [tail, 1 - tail], axis=0)
    smaller_side = np.minimum((plausible <= 0).sum(0), (plausible >= 0).sum(0))
    p = np.minimum(1, 2 * (smaller_side + 1) / (resamples + 1))[count:]
    return Comparison(
        means,
        low[:count],
        high[:count],
        means[:, None] - means,
        _square(low[count:], -high[count:], count),
        _square(high[count:], -low[count:], count),
        _square(p, p, count, diagonal=1.0),
    )


def _group_by_photograph(
    values: Float[ndarray, "pairs methods"], photographs: Shaped[ndarray, " pairs"]
) -> Float[ndarray, "photographs methods"]:
    """Return one value per photograph whose mean and standard error are those of the mean over pairs."""
    names, indexes = np.unique(photographs, return_inverse=True)
    means = values.mean(0)
    sums = np.stack([np.bincount(indexes, column) for column in (values - means).T], axis=1)
    return means + sums * (len(names) / len(values))


def _square(
    upper: Float[ndarray, " k"], lower: Float[ndarray, " k"], count: int, diagonal: float = 0.0
) -> Float[ndarray, "methods methods"]:
    """Build a square array from the entries (a, b) with a < b, row by row, and their mirror entries."""
    full = np.full((count, count), diagonal)
    first, second = np.triu_indices(count, 1)
    full[first, second], full[second, first] = upper, lower
    return full
