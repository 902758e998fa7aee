"""Studentised bootstrap: how far the means of resampled photographs lie from the mean of the sample.

A *contrast* is the difference of two columns of values. All contrasts share the resamples.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int
from numpy import ndarray

from bench_core.statistics.margins import LEVELS, student

MIN_SPREAD = 0.1
"""Lower bound of a resample's spread relative to the sample's. Without spread an error would be infinite."""
TAIL = 10
"""Minimum number of resamples beyond a quantile. Quantiles further out follow Student's t."""
CHUNK_SIZE = 200_000
"""Resampling weights in memory at a time; few enough for a processor's cache."""


def studentised_margins(
    values: Float[ndarray, "photographs methods"],
    first: Int[ndarray, " contrasts"],
    second: Int[ndarray, " contrasts"],
    resamples: int,
    rng: np.random.Generator,
) -> tuple[Float[ndarray, "levels contrasts"], Float[ndarray, "levels contrasts"]]:
    """Return the margins below and above the mean of each contrast `first` - `second`, in its standard errors.

    Errors are studentised: the deviation of a resample's mean from the sample's, in standard errors of the resample.
    """
    count = len(values)
    centered = values - values.mean(0)
    squares = (centered[:, first] - centered[:, second]) ** 2
    deviations = np.sqrt(squares.mean(0))
    units = np.where(deviations > 0, deviations, 1)
    squares = (squares / units**2).astype(np.float32)  # their products take nearly all of the time
    errors = np.empty((len(first), resamples), np.float32)
    for rows, weights in _resampling_weights(count, resamples, rng):
        means = weights @ centered / count
        means = (means[:, first] - means[:, second]) / units
        variances = weights.astype(np.float32) @ squares / count - means**2
        errors[:, rows] = (means / np.sqrt(variances.clip(min=MIN_SPREAD**2))).T
    errors.sort(axis=1)
    beyond = np.maximum((resamples + 1) * LEVELS / 2, TAIL)
    scale = np.sqrt(count - 1) * _tail_growth(count, 2 * TAIL / (resamples + 1))[:, None]
    return scale * _order_statistics(errors, resamples - beyond), scale * -_order_statistics(errors, beyond - 1)


def _tail_growth(count: int, last: float) -> Float[ndarray, " levels"]:
    """Return how much larger a margin is than that of the level `last`; 1 for the levels before it."""
    growth = np.ones(len(LEVELS))
    beyond = np.flatnonzero(last > LEVELS)
    growth[beyond] = student(count, LEVELS[beyond]) / student(count, np.array([last]))
    return growth


def _resampling_weights(
    count: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[slice, Float[ndarray, "chunk photographs"]]]:
    """Yield how often each photograph is drawn in each resample, in chunks of resamples."""
    size = max(1, CHUNK_SIZE // count)
    for start in range(0, resamples, size):
        rows = min(size, resamples - start)
        drawn = rng.integers(count, size=(rows, count), dtype=np.int32) + np.arange(rows)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=rows * count).reshape(rows, count)
        yield slice(start, start + rows), weights.astype(float)


def _order_statistics(
    ascending: Float[ndarray, "contrasts resamples"], places: Float[ndarray, " levels"]
) -> Float[ndarray, "levels contrasts"]:
    """Return sorted values at places from 0, interpolated between neighbours."""
    below = np.floor(places).astype(int)
    above, part = np.ceil(places).astype(int), (places - below)[:, None]
    return (1 - part) * ascending[:, below].T + part * ascending[:, above].T
