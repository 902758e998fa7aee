"""Intervals and p-values of *contrasts*: means of methods, and differences between two of them.

Each source of error has a margin of its own: the choice of photographs, and the training seeds of each method. Margins
of independent sources add up in squares (Zou and Donner, Construction of confidence limits about effect measures,
Statistics in Medicine, 2008). The p-value is the level at which the interval touches zero.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from bench_core.statistics.bootstrap import studentised_margins
from bench_core.statistics.margins import (
    INTERVAL,
    LEVELS,
    MIN_IMAGES,
    TrainingMargins,
    smallest_p,
    spread_floor,
    student,
    widening,
)

ROUNDING = 1e-12
"""Maximum difference of equal values, relative to the largest value."""


class Intervals(NamedTuple):
    """Ends of the 95 % intervals, and p-values; NaN for a difference of methods with equal values."""

    low: Float[ndarray, " contrasts"]
    high: Float[ndarray, " contrasts"]
    p: Float[ndarray, " contrasts"]


def intervals(
    per_photograph: Float[ndarray, "photographs methods"],
    training: TrainingMargins,
    first: Int[ndarray, " contrasts"],
    second: Int[ndarray, " contrasts"],
    resamples: int,
    rng: np.random.Generator,
) -> Intervals:
    """Return the intervals of `first` - `second`.

    Args:
        per_photograph: one value per photograph whose mean and standard error are those of the mean over pairs.
        second: index of a method, or their number for a mean: the difference from zero.
    """
    count, methods = per_photograph.shape
    padded = np.hstack([per_photograph, np.zeros((count, 1))])
    differences = padded[:, first] - padded[:, second]
    means = differences.mean(0)
    spread = differences.std(0, ddof=1) / np.sqrt(count)
    floor = np.where(second < methods, spread_floor(means, count), 0)
    # The bootstrap is too sure of symmetric values with outliers, Student's t of skewed ones. So take the wider.
    below = above = np.outer(student(count), np.maximum(spread, floor))
    if count >= MIN_IMAGES:
        margins = studentised_margins(padded, first, second, resamples, rng)
        below, above = (np.maximum(below, spread * each) for each in margins)
    squares = training.squared(first, second)
    below, above = (np.sqrt((widening(count) * each) ** 2 + squares) for each in (below, above))
    p = _crossing(np.where(means > 0, below, above), np.abs(means))
    equal = np.abs(differences).max(0) <= ROUNDING * np.abs(padded).max()
    p[equal & (second < methods)] = np.nan
    return Intervals(means - below[INTERVAL], means + above[INTERVAL], np.maximum(p, smallest_p(count)))


def _crossing(
    margins: Float[ndarray, "levels contrasts"], distances: Float[ndarray, " contrasts"]
) -> Float[ndarray, " contrasts"]:
    """Return the level at which each margin, which grows from level to level, reaches a distance."""
    smaller = (margins < distances).sum(0)
    after = smaller.clip(1, len(LEVELS) - 1)
    near, far = (np.take_along_axis(margins, places[None], 0)[0] for places in (after - 1, after))
    part = np.divide(distances - near, far - near, out=np.zeros(len(after)), where=far > near).clip(0, 1)
    return LEVELS[after - 1] * (LEVELS[after] / LEVELS[after - 1]) ** part
