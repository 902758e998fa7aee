"""What a finished run leaves for its user: tables in every format, one picture, and the table on the terminal."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench_core import files
from bench_core.plugins import Plugins
from bench_core.progress import console as aside
from bench_core.specs import resolve
from bench_core.store import Run, Store


def publish(plugins: Plugins, store: Store, run: Run, folder: Path, beside: Sequence[Run] = ()) -> None:
    """Write the tables and the picture beside the run's record, and print the table, in it also runs `beside`."""
    (table,) = resolve("bench_reports.table:build")(store, [*beside, run], plugins.records("metrics"))
    for report in plugins.records("reports").values():
        files.write_bytes(folder / f"table{report.suffix}", resolve(report.write)(table))
    picture = resolve("bench_reports.grid:grid")(store, run)
    if picture:
        files.write_bytes(folder / "grid.png", picture)
    console = Console()
    resolve("bench_reports.terminal:show")(table, console)
    console.print(
        f"Stored in {folder}: table.md, table.tex, ..." + (" and grid.png" if picture else ""),
        markup=False,
        soft_wrap=True,
    )


def tell_failures(store: Store, run: Run) -> int:
    """Print which cells failed, why, and where more stands; returns how many."""
    failed = [entry for entry in run.entries if entry.state == "failed"]
    if failed:
        aside.print(f"{len(failed)} of {len(run.entries)} cells failed; repeating the command tries them again:")
    for entry in failed:
        logs = [path for name in ("failure.txt", "log.txt") if (path := store.folder(entry).path / name).exists()]
        aside.print(f"  {entry.title}: {entry.reason}", *logs, sep="\n    ", markup=False, soft_wrap=True)
    return len(failed)
