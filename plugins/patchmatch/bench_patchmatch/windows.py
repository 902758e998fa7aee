"""The distance between two windows, as a product of two vectors.

The distance of the window at s and the window at t is the mean, over the offsets of a window, of the error

    e = 1                      if a pixel of the pair is unknown or outside of the inner image
    e = |f(s) - f(t)|^2 / K    otherwise

f holds the colours of a pixel and their gradients along both axes, and K is the largest possible |f(s) - f(t)|^2. With
v = 1 for a usable pixel, else 0, and f scaled so that K is 1, every error is a sum of products:

    e = 1 + v(s) (|f(s)|^2 - 1) v(t) + v(s) v(t) |f(t)|^2 - 2 v(s) f(s) v(t) f(t)

So a window becomes one of two vectors, a *query* or a *candidate*, and a distance costs one inner product.
"""

from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import as_strided

from bench_core.images import Array

UNMATCHED = 1 - 1e-5
"""A distance from here on is 1, up to rounding: no pixel of one window can be compared with its pixel in the other."""
BLOCK = 1024
"""Windows to compare at a time: about 2 MB."""


def gradients(image: Array) -> Array:
    """Return the gradients of an image (h, w, c) along both axes, (h, w, 2c), in whole levels; 0 along the border."""
    half = image // 2
    result = np.zeros((2, *image.shape), image.dtype)
    result[0, 1:-1, 1:-1] = half[2:, 1:-1] - half[:-2, 1:-1]
    result[1, 1:-1, 1:-1] = half[1:-1, 2:] - half[1:-1, :-2]
    return np.concatenate([result[0], result[1]], axis=2)


class Windows:
    """All windows of an image, by the row and column of their centres."""

    def __init__(self, image: Array, known: Array, radius: int, with_gradients: bool = True) -> None:
        """
        Args:
            image: (h, w, c), whole levels from 0 to 255 as float32. Unknown pixels must hold a guess, because gradients
                of their neighbours read them.
            known: bool (h, w).
            radius: A window has 2 * radius + 1 rows and columns.
            with_gradients: False to compare colours only.
        """
        usable = np.zeros(known.shape, np.float32)
        usable[1:-1, 1:-1] = known[1:-1, 1:-1]
        features = image - 128  # near 0, where float32 is finest
        if with_gradients:
            features = np.concatenate([features, gradients(image)], axis=2)
        self._features = features * (usable / np.float32(255 * features.shape[2] ** 0.5))[..., None]
        self._norms = (self._features**2).sum(2)
        self._usable = usable
        self.radius = radius

    def queries(self, rows: Array, columns: Array) -> Array:
        """Return the vectors (n, d) of n windows, for `distances`."""
        return _as_vectors(self._queries[rows, columns])

    def distances(self, queries: Array, rows: Array, columns: Array) -> Array:
        """Return the distance, from 0 to 1, of each of n queries to the window of this image at its row and column."""
        errors = np.empty((len(rows), 1, 1), np.float32)
        for start in range(0, len(rows), BLOCK):
            block = slice(start, start + BLOCK)
            candidates = _as_vectors(self._candidates[rows[block], columns[block]])
            np.matmul(queries[block, None, :], candidates[:, :, None], out=errors[block])
        return np.clip(1 + errors[:, 0, 0] / (2 * self.radius + 1) ** 2, 0, 1)

    @cached_property
    def _queries(self) -> Array:
        return _all_windows(np.dstack([self._norms - self._usable, self._usable, -2 * self._features]), self.radius)

    @cached_property
    def _candidates(self) -> Array:
        return _all_windows(np.dstack([self._usable, self._norms, self._features]), self.radius)


def _as_vectors(windows: Array) -> Array:
    count, side, width = windows.shape
    return windows.reshape(count, side * width)


def _all_windows(pixels: Array, radius: int) -> Array:
    """Return a view (h, w, side, side * d) of all windows of vectors (h, w, d), with zeros outside of the image."""
    height, width, depth = pixels.shape
    padded = np.ascontiguousarray(np.pad(pixels, ((radius, radius), (radius, radius), (0, 0))), np.float32)
    side, (row, column, item) = 2 * radius + 1, padded.strides
    # the pixels of a row of a window lie next to each other, so they are copied as one
    return as_strided(padded, (height, width, side, side * depth), (row, column, row, item), writeable=False)
