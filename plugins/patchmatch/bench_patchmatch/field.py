"""The nearest-neighbour field, and PatchMatch itself: propagation and random search (Sections 3.1 and 3.2)."""

from collections.abc import Iterator

import numpy as np

from bench_core.images import Array
from bench_patchmatch.windows import UNMATCHED, Windows

NUM_TRIES = 20
"""Random matches to try for a window that nothing could be compared with."""
NEIGHBOURS = ((-1, 0), (0, -1), (1, 0), (0, 1))


class Field:
    """The best match found so far for each window of a list.

    All other windows match themselves: they hold no pixel of the hole.
    """

    def __init__(self, touched: Array, coarse: "Field | None", rng: np.random.Generator) -> None:
        """
        Args:
            touched: bool (h, w), True for the windows to search matches for.
            coarse: A field of half the size, whose matches are doubled. Without it, matches are drawn at random.
            rng: Source of all random matches.
        """
        self.size = touched.shape
        self.windows = np.argwhere(touched)
        self.rng = rng
        if coarse:
            parents = np.minimum(self.windows // 2, np.subtract(coarse.size, 1))
            self.matches = np.minimum(2 * coarse.grid()[tuple(parents.T)], np.subtract(self.size, 1))
        else:
            self.matches = self._draw(len(self.windows))
        self.distances = np.ones(len(self.windows))

    def grid(self) -> Array:
        """Return the match of every window of the image, (h, w, 2)."""
        grid = np.moveaxis(np.indices(self.size), 0, 2)
        grid[tuple(self.windows.T)] = self.matches
        return grid

    def search(self, queries: Windows, candidates: Windows, num_passes: int) -> None:
        """Improve the matches between two images by passes of propagation and random search."""
        self._queries, self._candidates = queries.queries(*self.windows.T), candidates
        self.distances = candidates.distances(self._queries, *self.matches.T)
        self._redraw_unmatched()
        for _ in range(num_passes):
            for shift in NEIGHBOURS:
                self._propagate(shift)
            for radius in self._radii():
                self._offer(self.matches + self.rng.integers(-radius, radius + 1, self.matches.shape))

    def _redraw_unmatched(self) -> None:
        for _ in range(NUM_TRIES):
            unmatched = np.flatnonzero(self.distances >= UNMATCHED)
            if not len(unmatched):
                break
            self._offer(self._draw(len(unmatched)), unmatched)

    def _propagate(self, shift: tuple[int, int]) -> None:
        """Offer each window to move along with the match of its neighbour."""
        neighbours = np.clip(self.windows + shift, 0, np.subtract(self.size, 1))
        proposals = self.grid()[tuple(neighbours.T)] - shift
        # in a coherent field most neighbours propose the present match
        new = np.flatnonzero((proposals != self.matches).any(1))
        self._offer(proposals[new], new)

    def _radii(self) -> Iterator[int]:
        radius = (min(self.size) - 1) // 2
        while radius:
            yield radius
            radius //= 2

    def _offer(self, proposals: Array, to: Array | slice = slice(None)) -> None:
        """Replace the matches of some windows by proposals, where those are closer."""
        proposals = np.clip(proposals, 0, np.subtract(self.size, 1))
        distances = self._candidates.distances(self._queries[to], *proposals.T)
        closer = distances < self.distances[to]
        self.matches[to] = np.where(closer[:, None], proposals, self.matches[to])
        self.distances[to] = np.where(closer, distances, self.distances[to])

    def _draw(self, count: int) -> Array:
        return self.rng.integers(0, self.size, (count, 2))
