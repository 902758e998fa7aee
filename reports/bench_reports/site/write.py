"""The whole site: built beside the place where it will stand, and moved there when it is complete."""

import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

from bench_core import files
from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.specs import resolve
from bench_core.store import Run, Store
from bench_reports.site.pages import ASSETS, render

GALLERY = "bench_reports.site.gallery"


def write(folder: Path, store: Store, runs: Sequence[Run], plugins: Plugins) -> None:
    """Write the site of some runs, in place of one that is there already.

    Raises:
        BadInput: something else is there, the folder cannot be written, or the rows contradict each other.
    """
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir()) and not (folder / "assets/site.css").exists()):
        raise BadInput(
            f"{folder} holds something else than a site: give -o another folder, or NAME.html for one table."
        )
    with files.refusals(folder):
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
    known = plugins.records("metrics")
    gallery = bool(find_spec(GALLERY)) and resolve(f"{GALLERY}:write")(folder, store, runs, known)
    (folder / "index.html").write_bytes(render("leaderboard.html", "index.html", gallery))
