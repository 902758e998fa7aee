"""The tables and the image grid of a finished run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_core.store.store import Run, Store
from bench_core.system import files
from bench_core.system.progress import open_console
from bench_reports.figures.thumbnail_grid import grid
from bench_reports.formats.data import record
from bench_reports.formats.terminal import show
from bench_reports.tables.table import build


def publish(plugins: Plugins, store: Store, run: Run, folder: Path, beside: Sequence[Run]) -> dict[str, Any]:
    """Write the tables and the image grid into the run's folder, and print the table, with the runs `beside` in it."""
    (table,) = build(store, [*beside, run], plugins.records("metrics"))
    for report in plugins.records("reports").values():
        files.write_bytes(folder / f"table{report.suffix}", resolve(report.write)(table))
    picture = grid(store, run)
    if picture:
        files.write_bytes(folder / "grid.png", picture)
    out = open_console()
    show(table, out)
    out.print(
        f"Stored in {folder}: table.md, table.tex, ..." + (" and grid.png" if picture else ""),
        markup=False,
        soft_wrap=True,
    )
    return {"table": record(table)}
