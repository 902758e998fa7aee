"""Smaller and smaller versions of an image and its hole."""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import distance_transform_edt

from bench_core.images import Array

WEIGHTS = np.array([1, 5, 10, 10, 5, 1], np.float32)
"""Weights, along each axis, of the six pixels that a pixel of the next level averages."""
SMALLEST = 8
"""Levels with a side of this many pixels, or fewer, are not halved."""


@dataclass(frozen=True)
class Level:
    """An image of one size."""

    image: Array
    """float32 (h, w, c), whole levels from 0 to 255. Unknown pixels hold the colour of the nearest known pixel."""
    known: Array
    """bool (h, w)."""

    @classmethod
    def filled(cls, image: Array, known: Array) -> "Level":
        """Return a level from an image with at least one known pixel. The content of its hole does not matter."""
        if known.all():
            return cls(image.astype(np.float32), known)
        nearest = distance_transform_edt(~known, return_distances=False, return_indices=True)
        return cls(image[tuple(np.asarray(nearest))].astype(np.float32), known)

    def halved(self) -> "Level":
        """Return the level of half the size. A pixel is unknown if all 36 pixels that it averages are."""
        height, width = (side // 2 for side in self.known.shape)
        known = self.known[..., None]
        sums = np.pad(np.dstack([self.image * known, known]), ((2, 4), (2, 4), (0, 0)))
        sums = sliding_window_view(sums, 6, axis=0)[: 2 * height : 2] @ WEIGHTS
        sums = sliding_window_view(sums, 6, axis=1)[:, : 2 * width : 2] @ WEIGHTS
        colors, weights = sums[..., :-1], sums[..., -1]
        return Level.filled(colors // np.maximum(weights, 1)[..., None], weights > 0)


def pyramid(image: Array, known: Array) -> list[Level]:
    """Return the levels, full size first. The last one has no hole, or a side of `SMALLEST` pixels or less."""
    levels = [Level.filled(image, known)]
    while not levels[-1].known.all() and min(levels[-1].known.shape) > SMALLEST:
        levels.append(levels[-1].halved())
    return levels


def enlarged(image: Array, size: tuple[int, int]) -> Array:
    """Return an image (h, w, c) at another size, by nearest neighbour."""
    rows, columns = (np.arange(new) * old // new for new, old in zip(size, image.shape, strict=False))
    return image[np.ix_(rows, columns)]
