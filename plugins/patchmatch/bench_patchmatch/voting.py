"""The update of the hole: every window votes for its pixels with the colours of its match."""

import numpy as np

from bench_core.images import Array
from bench_patchmatch.field import Field
from bench_patchmatch.pyramid import Level

WEIGHTS = (1, 0.99, 0.96, 0.83, 0.38, 0.11, 0.02, 0.005, 0.0006, 0.0001, 0)
"""Weight of a vote at distances of 0, 1, 2, ... percent, linear in between."""
FALL = 1.3
"""Ratio of the weights of two votes whose windows differ by a pixel in depth."""


def fixed_weights(distances: Array, depths: Array) -> Array:
    """Return weights of votes that depend on the distance of the match only."""
    return np.interp(100 * distances, np.arange(len(WEIGHTS)), WEIGHTS)


def adaptive_weights(distances: Array, depths: Array) -> Array:
    """Return weights of votes that fall with the distance, compared with all others, and with the depth in the hole.

    Wexler et al.: exp(-d / 2s^2), with the 75th percentile of the distances as s^2.
    """
    variance = max(np.percentile(distances, 75), 1e-9) if len(distances) else 1
    return np.exp(-distances / (2 * variance)) * FALL**-depths


def vote(field: Field, weights: Array, source: Level, target: Array, radius: int) -> Array:
    """Return the target with every pixel of the hole replaced by the mean of its votes.

    A pixel without a vote keeps its value.

    Args:
        field: Matches of the windows that touch the hole, of the size of `source` or half of it. At half the size, each
            of its pixels votes for a block of 2 x 2.
        source: The image whose known pixels give the colours.
        target: (h, w, c) of the size of `source`.
        radius: Radius of the windows.
    """
    hole = np.argwhere(~source.known)
    factor = 1 if field.size == source.known.shape else 2
    within = hole % factor

    margin = radius + 1  # windows outside of the image have no weight
    pixels = hole // factor + margin
    weight_of = np.zeros(field.size)
    weight_of[tuple(field.windows.T)] = weights
    weight_of = np.pad(weight_of, margin)
    match_of = np.pad(field.grid(), ((margin, margin), (margin, margin), (0, 0)))

    sums = np.zeros((len(hole), target.shape[2] + 1))
    across = np.arange(-radius, radius + 1)
    for down in across:
        # the windows that hold the pixel at (down, across) from their centres
        windows = pixels[:, :1] - down, pixels[:, 1:] - across
        rows = factor * (match_of[(*windows, 0)] + down) + within[:, :1]
        columns = factor * (match_of[(*windows, 1)] + across) + within[:, 1:]
        sums += _votes(source, weight_of[windows], rows, columns)
    voted = sums[:, -1] > 0
    result = target.copy()
    result[tuple(hole[voted].T)] = np.round(sums[voted, :-1] / sums[voted, -1:])
    return result


def _votes(source: Level, weights: Array, rows: Array, columns: Array) -> Array:
    """Return the sums over k votes of n pixels, (n, c + 1): of weighted colours, then of weights."""
    height, width = source.known.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    at = np.where(inside, rows, 0), np.where(inside, columns, 0)
    weights = weights * (inside & source.known[at])
    colors = np.einsum("nk,nkc->nc", weights, source.image[at])
    return np.column_stack([colors, weights.sum(1)])
