"""Completion of one image, from coarse to fine: search matches, vote, and again (Wexler et al.)."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, maximum_filter

from bench_core.images import Array
from bench_patchmatch.field import Field
from bench_patchmatch.pyramid import Level, enlarged, pyramid
from bench_patchmatch.voting import fixed_weights, vote
from bench_patchmatch.windows import Windows

NUM_PASSES = 3
"""Passes of PatchMatch in each iteration."""


@dataclass(frozen=True)
class Completion:
    """Fills the hole of one image."""

    radius: int = 3
    """Windows have 2 * radius + 1 rows and columns."""
    gradients: bool = True
    """True if windows are compared by gradients, too."""
    weights: Callable[[Array, Array], Array] = fixed_weights
    """Weights of the votes, by distances and depths of the windows."""
    seed: int = 0

    def fill(self, image: Array, hole: Array) -> Array:
        """Return the image with its hole filled, (h, w, c), whole levels from 0 to 255 as float32.

        Args:
            image: uint8 (h, w, c). The content of the hole does not matter.
            hole: bool (h, w), with at least one known pixel.
        """
        rng = np.random.default_rng(self.seed)
        levels = pyramid(image, ~hole)
        target, field = levels[-1].image, None
        for number in reversed(range(len(levels))):
            level, finer = levels[number], levels[max(number - 1, 0)]
            field = Field(maximum_filter(~level.known, 2 * self.radius + 1), field, rng)
            target = self._improve(target, field, level, finer, num_iterations=1 + 2 * number)
        return target

    def _improve(self, target: Array, field: Field, level: Level, finer: Level, num_iterations: int) -> Array:
        """Return the target after some iterations on a level, at the size of the finer one."""
        depths = np.asarray(distance_transform_edt(~level.known))[tuple(field.windows.T)]
        known = np.ones_like(level.known)
        candidates = self._windows(level.image, level.known)
        for iteration in range(num_iterations):
            field.search(self._windows(target, known), candidates, NUM_PASSES)
            weights = self.weights(field.distances, depths)
            # the last votes come from the finer image, which keeps them sharp
            source = level if iteration < num_iterations - 1 else finer
            target = np.where(source.known[..., None], source.image, enlarged(target, source.known.shape))
            target = vote(field, weights, source, target, self.radius)
        return target

    def _windows(self, image: Array, known: Array) -> Windows:
        return Windows(image, known, self.radius, self.gradients)
