"""Slabs of query rows, so that contextual attention on a large map never holds all scores at once."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch

MAX_SCORES = 2**26
"""Scores per slab: 256 MiB in 32 bits, enough for all scores of a 512 x 512 image in a batch of 4."""
SHARE_OF_GPU = 1 / 32
"""Share of a GPU's memory that the scores of a slab may take, if that is more."""
HALO = 3
"""Extra rows above and below a slab: scores depend on one neighbouring row in `match` and two in `fuse`."""


@dataclass(frozen=True)
class Slab:
    """Rows of queries that can be scored without the other rows.

    Scores depend on a few rows around. `fuse` steps from the end of a column to the start of the next, so the last row
    counts as the row above the first. The rows of the slab and its halo, in the grid's order, are treated as a grid of
    their own. The outermost rows have wrong neighbours there, which spoils one more row in each step. The halo absorbs
    these rows.
    """

    top: int
    bottom: int
    """First row below the slab."""
    rows: tuple[int, ...]
    """Row numbers of the slab and its halo."""
    width: int

    @property
    def queries(self) -> slice:
        """The slab's queries, without the halo, among those of `rows`."""
        first = self.rows.index(self.top)
        return slice(first * self.width, (first + self.bottom - self.top) * self.width)


def slabs(batch: int, height: int, width: int, device: torch.device) -> Iterator[Slab]:
    """Yield slabs of as many scores as the device has room for, from top to bottom; a slab has at least one row."""
    fitting = max_scores(device) // (batch * width * height * width)
    step = height if fitting >= height else max(1, fitting - 2 * HALO)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        yield Slab(top, bottom, tuple(sorted({row % height for row in range(top - HALO, bottom + HALO)})), width)


def max_scores(device: torch.device) -> int:
    """Return the number of scores, of 32 bits each, that a slab may hold on a device."""
    if device.type != "cuda":
        return MAX_SCORES
    return max(MAX_SCORES, int(torch.cuda.get_device_properties(device).total_memory * SHARE_OF_GPU) // 4)
