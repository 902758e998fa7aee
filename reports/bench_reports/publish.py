"""Tables and image grid of a finished run."""

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
    """Write table and image grid into a run's folder, and print the table. Its rows include the runs `beside`.

    Runs that trained on different images have tables of their own: all are printed, and the last is written.
    """
    *others, table = build(store, [*beside, run], plugins.records("metrics"))
    for report in plugins.records("reports").values():
        files.write_bytes(folder / f"table{report.suffix}", resolve(report.write)(table))
    image_grid = grid(store, run)
    if image_grid:
        files.write_bytes(folder / "grid.png", image_grid)
    out = open_console()
    for each in (*others, table):
        show(each, out)
    saved = "table.md, table.tex, ..." + (" and grid.png" if image_grid else "")
    out.print(f"Saved in {folder}: {saved}", markup=False, soft_wrap=True)
    return {"table": record(table)}
