"""Run one cell after the other, in this process."""

from collections.abc import Iterator, Sequence

from bench_core.experiment.cell import Cell


def run(cells: Sequence[Cell]) -> Iterator[Cell]:
    """Yield every cell when it is finished."""
    for cell in cells:
        cell.run()
        yield cell
