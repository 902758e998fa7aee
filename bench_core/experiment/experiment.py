"""An experiment: every variant and seed is a cell, and an executor runs them."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench_core.experiment.cell import Cell
from bench_core.experiment.context import RunContext
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.specs import Executor, resolve
from bench_core.store.lock import lock_owner
from bench_core.store.store import Run
from bench_core.system.progress import console

POLL_SECONDS = 1.0
"""Seconds between checks whether another run has released a cell."""


@dataclass
class Experiment:
    """Everything that is fixed before the first cell runs."""

    context: RunContext
    variants: Sequence[tuple[Plugin, Variant]]
    executor: Executor
    options: dict[str, Any] = field(default_factory=dict)
    """Options of the executor."""

    def run(self) -> tuple[Run, Path]:
        """Run what is missing, and store the state after every cell. Return the run and its folder.

        Cells that other runs are working on come last: their results are read when they are released.
        """
        context, cells = self.context, self._cells()
        run = Run(
            context.protocol,
            context.images.test_digest,
            len(context.images.test) * context.protocol.crops,
            [cell.status for cell in cells],
            context.missing_metrics(self.executor.in_process),
            list(context.images.skipped),
            list(context.images.notes),
            dict(context.images.copies),
        )
        folder = context.store.write_run(run)
        pending = cells
        while pending:
            finished: Iterator[Cell] = resolve(self.executor.run)(pending, **self.options)
            for cell in finished:
                if cell.status.state != "pending":
                    run.entries = [each.status for each in cells]
                    context.store.write_run(run)
                    self._report(cell, cells)
            pending = [cell for cell in pending if cell.status.state == "pending"]
            if pending:
                self._wait(pending)
        return run, folder

    def _cells(self) -> list[Cell]:
        seeds = self.context.protocol.seeds
        chosen = [
            (plugin, variant, seed)
            for plugin, variant in self.variants
            for seed in (seeds if variant.model.recipe else seeds[:1])  # without training there is nothing to seed
        ]
        return [Cell(self.context, *each, f"{number}/{len(chosen)}") for number, each in enumerate(chosen, start=1)]

    def _wait(self, cells: Sequence[Cell]) -> None:
        """Wait until another run releases one of the cells."""
        paths, printed = [self.context.store.folder(cell.status).path for cell in cells], ""
        while all(owners := self.context.group.on_rank_zero(lambda: [lock_owner(path) for path in paths])):
            names = ", ".join(f"{cell.status.title} ({owner})" for cell, owner in zip(cells, owners, strict=True))
            if names != printed:
                console.print(f"Waiting for other runs' work on {names}.", markup=False, soft_wrap=True)
            printed = names
            time.sleep(POLL_SECONDS)

    def _report(self, cell: Cell, cells: Sequence[Cell]) -> None:
        if not self.executor.in_process:
            done = sum(each.status.state != "pending" for each in cells)
            line = f"{done} of {len(cells)} cells: {cell.title}: {cell.status.state}  {cell.status.reason}".rstrip()
            console.print(line, markup=False, soft_wrap=True)
