"""Run a cell in another process, which opens its own devices, metrics and backbones."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from bench_core.experiment.cell import Cell
from bench_core.experiment.context import RunContext
from bench_core.methods.variants import Variant
from bench_core.plugins import Plugin
from bench_core.store.store import CellStatus
from bench_core.system.allocator import tune_malloc


def run_cell(
    context: RunContext,
    plugin: Plugin,
    variant: Variant,
    seed: int,
    place: str,
    around: Callable[[Cell], AbstractContextManager[Any]] = nullcontext,
) -> CellStatus:
    """Run one cell inside of `around`, and return its status."""
    tune_malloc()
    cell = Cell(context, plugin, variant, seed, place)
    cell.run(around)
    return cell.status
