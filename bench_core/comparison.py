"""A comparison: every variant and seed is a cell, and cells run one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench_core.cell import Cell, Setup
from bench_core.plugins import Plugin
from bench_core.store import Run
from bench_core.variants import Variant


@dataclass
class Comparison:
    """Everything that is fixed before the first cell runs."""

    setup: Setup
    variants: Sequence[tuple[Plugin, Variant]]

    def run(self) -> tuple[Run, Path]:
        """Run what is missing, storing the state after every cell; returns the run and its folder."""
        setup = self.setup
        cells = [
            Cell(setup, plugin, variant, seed)
            for plugin, variant in self.variants
            # what learns nothing does not depend on the seed
            for seed in (setup.protocol.seeds if variant.model.recipe else setup.protocol.seeds[:1])
        ]
        run = Run(
            setup.protocol,
            setup.images.test_digest,
            len(setup.images.test) * setup.protocol.crops,
            [cell.entry for cell in cells],
            setup.judge.missing,
            list(setup.images.skipped),
        )
        folder = setup.ranks.zero(lambda: setup.store.write_run(run))
        for cell in cells:
            cell.run()
            setup.ranks.zero(lambda: setup.store.write_run(run))
        return run, folder
