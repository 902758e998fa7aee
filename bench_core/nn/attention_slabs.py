"""Queries taken in slabs of rows, so that scores of a large map against itself are never all held at once."""

from collections.abc import Iterator
from dataclasses import dataclass

ROOM = 2**26
"""How many scores a slab may have: 256 MiB of 32 bits, all of an image of 512 pixels in a batch of 4."""
HALO = 3
"""Scores of a query depend on queries in so many rows above and below: one in `match`, two in `fuse`."""


@dataclass(frozen=True)
class Slab:
    """Rows of queries that can be scored without the other rows.

    Scores depend on few rows around, where the last row stands above the first, for `fuse` goes from the end of a
    column to the start of the next. So rows of the slab and of its halo, in the grid's order, are treated as if they
    were a grid. What is false about that (the outermost rows have lost neighbours or got wrong ones) spoils one more
    row in each step, which is what the halo is for.
    """

    top: int
    bottom: int
    """The row below the last."""
    rows: list[int]
    """With those of the halo."""
    width: int

    @property
    def own(self) -> slice:
        """Queries of the slab, without the halo, among those of `rows`."""
        first = self.rows.index(self.top)
        return slice(first * self.width, (first + self.bottom - self.top) * self.width)


def slabs(batch: int, height: int, width: int) -> Iterator[Slab]:
    """From top to bottom, slabs that fit into `ROOM`: all rows at once if they do, and never less than one."""
    fitting = ROOM // (batch * width * height * width)
    step = height if fitting >= height else max(1, fitting - 2 * HALO)
    for top in range(0, height, step):
        bottom = min(top + step, height)
        yield Slab(top, bottom, sorted({row % height for row in range(top - HALO, bottom + HALO)}), width)
