"""How sure a mean is, and a difference between two methods, given which photographs and which trainings there were.

Another set of photographs would have given other means. That is imitated by drawing photographs anew, with
replacement, the same for all methods: a paired bootstrap. Its intervals are studentised (Efron and Tibshirani, An
Introduction to the Bootstrap, 1993, section 12.5), since those keep their promise where values are skewed. Another
training would have given other means, too; seeds are so few that resampling them would promise too much, so their
part is normal, with Student's tails.
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
PER_COMPARISON = 50
"""At least so many resamples for each pair of methods: with fewer, no p would be small enough to survive Holm's."""
CONFIDENCE = 0.95


@dataclass(frozen=True)
class Comparison:
    """Methods on the same pairs, each with a 95 % interval. Entry (a, b) of a square array is of a minus b."""

    means: Float[ndarray, " methods"]
    low: Float[ndarray, " methods"]
    high: Float[ndarray, " methods"]
    differences: Float[ndarray, "methods methods"]
    differences_low: Float[ndarray, "methods methods"]
    differences_high: Float[ndarray, "methods methods"]
    p: Float[ndarray, "methods methods"]
    """Of the hypothesis that two methods are equal: two-sided, not corrected for the number of comparisons."""


def compare(
    values: Sequence[Float[ndarray, "_ pairs"]],
    photographs: Shaped[ndarray, " pairs"],
    *seed: Any,
    resamples: int | None = None,
) -> Comparison:
    """Compare methods, given for each the values (seeds, pairs), finite, of the same pairs in the same order.

    `photographs` tells which pairs are of one photograph, and so no independent witnesses; there are two or more. The
    same `seed` gives the same numbers. Of a method with a single seed, what another training would change is unknown
    and no part of the interval.
    """
    count = len(values)
    rng = seeds.generator("bootstrap", *seed)
    resamples = resamples or max(RESAMPLES, PER_COMPARISON * count * (count - 1) // 2)
    found = _of_photographs(np.stack([each.mean(0) for each in values], axis=1), photographs)
    errors, spread = sampling_errors(found, resamples, rng)
    add_training_errors(errors, spread, values, rng)
    means = found.mean(0)
    plausible = contrasts(means[None]) - errors
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(plausible, [tail, 1 - tail], axis=0)
    sides = np.minimum((plausible <= 0).sum(0), (plausible >= 0).sum(0))
    p = np.minimum(1, 2 * (sides + 1) / (resamples + 1))[count:]
    return Comparison(
        means,
        low[:count],
        high[:count],
        means[:, None] - means,
        _square(low[count:], -high[count:], count),
        _square(high[count:], -low[count:], count),
        _square(p, p, count, diagonal=1.0),
    )


def _of_photographs(
    values: Float[ndarray, "pairs methods"], photographs: Shaped[ndarray, " pairs"]
) -> Float[ndarray, "photographs methods"]:
    """What each photograph adds to the means: their mean over photographs is that over pairs, and so is its spread."""
    names, which = np.unique(photographs, return_inverse=True)
    means = values.mean(0)
    sums = np.stack([np.bincount(which, column) for column in (values - means).T], axis=1)
    return means + sums * (len(names) / len(values))


def _square(
    upper: Float[ndarray, " k"], lower: Float[ndarray, " k"], count: int, diagonal: float = 0.0
) -> Float[ndarray, "methods methods"]:
    """From entries (a, b) with a < b, row by row, and those opposite."""
    full = np.full((count, count), diagonal)
    first, second = np.triu_indices(count, 1)
    full[first, second], full[second, first] = upper, lower
    return full
