"""The whole site: built beside the place where it will stand, and moved there when it is complete."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.store.store import Run, Store
from bench_core.system import files
from bench_reports.site import gallery
from bench_reports.site.costs import spent
from bench_reports.site.filters import TableFilter, views
from bench_reports.site.leaderboard import board
from bench_reports.site.links import method_path
from bench_reports.site.methods import methods
from bench_reports.site.pages import ASSETS, render, script
from bench_reports.site.plots import of_board
from bench_reports.site.rerun_command import toml
from bench_reports.tables.table import merged, wanted


def write(folder: Path, store: Store, runs: Sequence[Run], plugins: Plugins) -> None:
    """Write the site of some runs, in place of one that is there already.

    Raises:
        BadInput: something else is there, the folder cannot be written, or the rows contradict each other.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "assets/site.css").exists()):
        raise BadInput(
            f"{folder} holds something else than a site: give -o another folder, or NAME.html for one table."
        )
    with files.translate_os_errors(folder):
        folder = folder.absolute()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder.parent, prefix=".half-written-") as temporary:
            new, old = Path(temporary) / "new", Path(temporary) / "old"
            _fill(new, store, runs, plugins)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)


def _fill(folder: Path, store: Store, runs: Sequence[Run], plugins: Plugins) -> None:
    shutil.copytree(ASSETS, folder / "assets")
    known, models, together = plugins.records("metrics"), plugins.records("models"), []
    for run in merged(runs):
        found = list(views(store, run, wanted(run, known)))
        made = board(run, found, known, dict(spent(store, run, models)))
        together.append((run, made))
        _put_rules_and_plots(folder, store, run, made, found)
    shown = gallery.write(folder, store, runs, known)
    boards = [made for _, made in together]
    _put(folder / "index.html", render("leaderboard.html", "index.html", shown, boards=boards))
    _put(folder / "data/leaderboard.js", script("BOARDS", boards))
    for name, about in methods(store, together, plugins):
        path = method_path(name)
        _put(folder / path, render("method.html", path, shown, **about))


def _put_rules_and_plots(
    folder: Path, store: Store, run: Run, made: Mapping[str, Any], found: Sequence[TableFilter]
) -> None:
    _put(folder / f"protocols/{made['id']}.toml", toml(run.protocol))
    for mask_set, definition, plots in of_board(store, run, found):
        _put(folder / made["plots"][mask_set][definition], script("PLOTS", plots))


def _put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
