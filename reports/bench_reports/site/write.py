"""Writing of a whole site: it is built beside its final place, and moved there once it is complete."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.store.store import Run, Store
from bench_core.system import files
from bench_reports.costs import variant_costs
from bench_reports.site import gallery
from bench_reports.site.filters import table_filters
from bench_reports.site.leaderboard import board_data
from bench_reports.site.methods import method_pages
from bench_reports.site.pages import ASSETS, data_script, method_path, render
from bench_reports.site.plots import board_plots
from bench_reports.site.rerun_command import protocol_toml
from bench_reports.tables.merging import merge_runs
from bench_reports.tables.table import protocol_metrics


def write(folder: Path, store: Store, runs: Sequence[Run], plugins: Plugins) -> None:
    """Write the site of some runs. It replaces an older site in the folder.

    Raises:
        BadInput: the folder holds something else or cannot be written, or rows of one column differ.
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
            _write_pages(new, store, runs, plugins)
            if folder.exists():
                folder.rename(old)
            new.rename(folder)


def _write_pages(folder: Path, store: Store, runs: Sequence[Run], plugins: Plugins) -> None:
    shutil.copytree(ASSETS, folder / "assets")
    known, models, boards = plugins.records("metrics"), plugins.records("models"), []
    for run in merge_runs(store, runs):
        filters = list(table_filters(store, run, protocol_metrics(run, known)))
        board = board_data(run, filters, known, variant_costs(store, run, models))
        boards.append((run, board))
        _save(folder / f"protocols/{board['id']}.toml", protocol_toml(run.protocol))
        for mask_set, definition, plots in board_plots(store, run, filters):
            _save(folder / board["plots"][mask_set][definition], data_script("PLOTS", plots))
    has_gallery = gallery.write(folder, store, runs, known)
    data = [board for _, board in boards]
    _save(folder / "index.html", render("leaderboard.html", "index.html", has_gallery, boards=data))
    _save(folder / "data/leaderboard.js", data_script("BOARDS", data))
    for name, context in method_pages(store, boards, plugins):
        path = method_path(name)
        _save(folder / path, render("method.html", path, has_gallery, **context))


def _save(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
