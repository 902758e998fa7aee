"""By how much a mean could be wrong: other photographs, imitated by resampling, and other trainings.

Errors are drawn for the means of all methods and for the differences of every two of them, their *contrasts*.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float
from numpy import ndarray
from scipy.special import stdtrit

MIN_IMAGES = 10
"""Fewer photographs than this are not resampled: their errors follow Student's t."""
LEAST_SPREAD = 0.1
"""A resample has at least this part of the sample's spread; one that has none would make an interval infinite."""
CHUNK = 200_000
"""Weights that are held at a time: few enough for a processor's cache."""


def contrasts(columns: Float[ndarray, "n methods"]) -> Float[ndarray, "n contrasts"]:
    """Columns of all methods, and then of all differences between two of them."""
    first, second = np.triu_indices(columns.shape[1], 1)
    return np.hstack([columns, columns[:, first] - columns[:, second]])


def sampling_errors(
    found: Float[ndarray, "photographs methods"], resamples: int, rng: np.random.Generator
) -> tuple[Float[ndarray, "resamples contrasts"], Float[ndarray, " contrasts"]]:
    """Errors due to the choice of photographs, and their standard errors. All methods share the resamples.

    An error is how far a resample's mean lies from the sample's, in standard errors of the resample, times the
    standard error of the sample.
    """
    count = len(found)
    assert count > 1, "one photograph says nothing of others"
    centered = found - found.mean(0)
    squares = contrasts(centered) ** 2
    deviations = np.sqrt(squares.mean(0))
    spread = deviations / np.sqrt(count - 1)
    if count < MIN_IMAGES:
        return np.outer(stdtrit(count - 1, (np.arange(resamples) + 0.5) / resamples), spread), spread
    units = np.where(deviations > 0, deviations, 1)
    squares = (squares / units**2).astype(np.float32)  # nearly all of the time goes into their products
    errors = np.empty((resamples, len(spread)))
    for rows, weights in _weights(count, resamples, rng):
        means = contrasts(weights @ centered / count)
        variances = weights.astype(np.float32) @ squares / count - (means / units) ** 2
        errors[rows] = means / np.sqrt(variances.clip(min=LEAST_SPREAD**2))
    return errors, spread


def _weights(
    count: int, resamples: int, rng: np.random.Generator
) -> Iterator[tuple[slice, Float[ndarray, "chunk photographs"]]]:
    """How often each photograph is drawn in each resample, some resamples at a time."""
    size = max(1, CHUNK // count)
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

    They are normal. That their spread is known from so few seeds makes both errors heavier in the tails, with the
    degrees of freedom of Welch and Satterthwaite.
    """
    variances = np.array([each.mean(1).var(ddof=1) / len(each) if len(each) > 1 else 0.0 for each in values])
    if not variances.any():
        return
    errors += contrasts(rng.standard_normal((len(errors), len(values))) * np.sqrt(variances))
    doubts = _sums(variances**2 / np.array([max(len(each) - 1, 1) for each in values]))
    unsure = doubts > 0
    freedom = (spread**2 + _sums(variances))[unsure] ** 2 / doubts[unsure]
    errors[:, unsure] *= np.sqrt(freedom / rng.chisquare(freedom, (len(errors), len(freedom))))


def _sums(parts: Float[ndarray, " methods"]) -> Float[ndarray, " contrasts"]:
    """Of each method, and of every two."""
    first, second = np.triu_indices(len(parts), 1)
    return np.concatenate([parts, parts[first] + parts[second]])
