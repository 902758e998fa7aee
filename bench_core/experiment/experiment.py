"""A comparison: every variant and seed is a cell, and an executor runs them."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from bench_core.experiment.cell import Cell, RunContext
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.specs import Executor, resolve
from bench_core.store.lock import lock_owner
from bench_core.store.store import Run
from bench_core.system.progress import console

POLL_SECONDS = 1.0
"""Seconds between looks at whether another run has given a cell back."""


@dataclass
class Experiment:
    """Everything that is fixed before the first cell runs."""

    setup: RunContext
    variants: Sequence[tuple[Plugin, Variant]]
    executor: Executor
    options: dict[str, Any] = field(default_factory=dict)
    """Of the executor."""

    def run(self) -> tuple[Run, Path]:
        """Run what is missing, storing the state after every cell; returns the run and its folder."""
        setup, cells = self.setup, self._cells()
        run = Run(
            setup.protocol,
            setup.images.test_digest,
            len(setup.images.test) * setup.protocol.crops,
            [cell.entry for cell in cells],
            setup.missing(self.executor.in_process),
            list(setup.images.skipped),
        )
        folder = setup.distributed.on_rank_zero(lambda: setup.store.write_run(run))
        for cell in self._finished(cells):
            run.entries = [each.entry for each in cells]
            setup.distributed.on_rank_zero(lambda: setup.store.write_run(run))
            self._tell(cell, cells)
        return run, folder

    def _cells(self) -> list[Cell]:
        seeds = self.setup.protocol.seeds
        which = [
            (plugin, variant, seed)
            for plugin, variant in self.variants
            # what learns nothing does not depend on the seed
            for seed in (seeds if variant.model.recipe else seeds[:1])
        ]
        return [Cell(self.setup, *each, f"{number}/{len(which)}") for number, each in enumerate(which, start=1)]

    def _finished(self, cells: list[Cell]) -> Iterator[Cell]:
        """Every cell when it is finished; at last those that other runs were at, which leaves their results to read."""
        execute: Callable[[list[Cell]], Iterator[Cell]] = partial(resolve(self.executor.run), **self.options)
        while cells:
            yield from (cell for cell in execute(cells) if cell.entry.state != "pending")
            cells = [cell for cell in cells if cell.entry.state == "pending"]
            if cells:
                self.setup.distributed.on_rank_zero(partial(self._wait, cells))

    def _wait(self, cells: Sequence[Cell]) -> None:
        """Until one of the cells is nobody's."""
        told = ""
        while all(owners := [lock_owner(self.setup.store.folder(cell.entry).path) for cell in cells]):
            names = ", ".join(f"{cell.entry.title} ({owner})" for cell, owner in zip(cells, owners, strict=True))
            if names != told:
                console.print(f"Waiting for other runs' work on {names}.", markup=False, soft_wrap=True)
            told = names
            time.sleep(POLL_SECONDS)

    def _tell(self, cell: Cell, cells: Sequence[Cell]) -> None:
        if not self.executor.in_process:
            done = sum(each.entry.state != "pending" for each in cells)
            told = f"{done} of {len(cells)} cells: {cell.title}: {cell.entry.state}  {cell.entry.reason}".rstrip()
            console.print(told, markup=False, soft_wrap=True)
