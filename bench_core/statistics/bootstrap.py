"""Errors of means, and of differences between them, due to the choice of images and of training seeds.

Errors are drawn for the means of all methods and for all pairwise differences, the *contrasts*.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import stdtrit

MIN_IMAGES = 10
"""Minimum number of photographs to resample. Errors of fewer follow Student's t."""
MIN_SPREAD = 0.1
"""Lower bound of a resample's spread relative to the sample's. Without spread an error would be infinite."""
CHUNK_SIZE = 200_000
"""Resampling weights in memory at a time; few enough for a processor's cache."""


def contrasts(columns: Float[ndarray, "n methods"]) -> Float[ndarray, "n contrasts"]:
    """Append the differences of all pairs of columns to the columns."""
    first, second = np.triu_indices(columns.shape[1], 1)
    return np.hstack([columns, columns[:, first] - columns[:, second]])


def sampling_errors(
    values: Float[ndarray, "photographs methods"], resamples: int, rng: np.random.Generator
) -> tuple[Float[ndarray, "resamples contrasts"], Float[ndarray, " contrasts"]]:
    """Draw errors due to the choice of photographs. Return them with their standard errors.

    All methods share the resamples. Errors are studentised: the deviation of a resample's mean from the sample's, in
    standard errors of the resample, times the standard error of the sample.
    """
    count = len(values)
    assert count > 1, "errors need two photographs"
    centered = values - values.mean(0)
    squares = contrasts(centered) ** 2
    deviations = np.sqrt(squares.mean(0))
    spread = deviations / np.sqrt(count - 1)
    if count < MIN_IMAGES:
        return np.outer(stdtrit(count - 1, (np.arange(resamples) + 0.5) / resamples), spread), spread
    units = np.where(deviations > 0, deviations, 1)
    squares = (squares / units**2).astype(np.float32)  # their products take nearly all of the time
    errors = np.empty((resamples, len(spread)))
    for rows, weights in _resampling_weights(count, resamples, rng):
        means = contrasts(weights @ centered / count)
        variances = weights.astype(np.float32) @ squares / count - (means / units) ** 2
        errors[rows] = means / np.sqrt(variances.clip(min=MIN_SPREAD**2))
    return errors, spread


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


def add_training_errors(
    errors: Float[ndarray, "resamples contrasts"],
    spread: Float[ndarray, " contrasts"],
    values: Sequence[Float[ndarray, "_ pairs"]],
    rng: np.random.Generator,
) -> None:
    """Add errors due to the choice of training seeds, in place.

    These errors are normal. Their spread is estimated from few seeds, which makes the tails of both errors heavier. The
    degrees of freedom are those of Welch and Satterthwaite.

    Args:
        spread: standard errors of `errors`.
        values: values of each method, (seeds, pairs).
    """
    variances = np.array([each.mean(1).var(ddof=1) / len(each) if len(each) > 1 else 0.0 for each in values])
    if not variances.any():
        return
    errors += contrasts(rng.standard_normal((len(errors), len(values))) * np.sqrt(variances))
    uncertainty = _pairwise_sums(variances**2 / np.array([max(len(each) - 1, 1) for each in values]))
    uncertain = uncertainty > 0
    freedom = (spread**2 + _pairwise_sums(variances))[uncertain] ** 2 / uncertainty[uncertain]
    errors[:, uncertain] *= np.sqrt(freedom / rng.chisquare(freedom, (len(errors), len(freedom))))


def _pairwise_sums(parts: Float[ndarray, " methods"]) -> Float[ndarray, " contrasts"]:
    """Append the sums of all pairs to the values: variances of contrasts, if methods are independent."""
    first, second = np.triu_indices(len(parts), 1)
    return np.concatenate([parts, parts[first] + parts[second]])
