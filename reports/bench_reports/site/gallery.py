"""The gallery: what every method painted for the same image and the same hole."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.site.gallery_heat import MOST, legend
from bench_reports.site.gallery_sets import GalleryData
from bench_reports.site.pages import render, script
from bench_reports.site.pictures import Pictures
from bench_reports.tables.table import merged, title


def write(folder: Path, store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> bool:
    """Write the gallery's page, data and pictures below a site's folder; returns whether any pictures were kept.

    Raises:
        BadInput: a file of the store is damaged.
    """
    pictures = Pictures(folder / "pictures")
    pictures.folder.mkdir(parents=True, exist_ok=True)
    sets = [each for run in merged(runs) for each in _sets(store, run, known, pictures)]
    if not sets:
        pictures.folder.rmdir()
        return False
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "gallery.js").write_bytes(script("GALLERY", _told_apart(sets)))
    page = render("gallery.html", "gallery.html", True, colours=legend(), most=MOST)
    (folder / "gallery.html").write_bytes(page)
    return True


def _sets(store: Store, run: Run, known: Mapping[str, Metric], pictures: Pictures) -> list[dict[str, Any]]:
    about = {"protocol": run.protocol.name, "hash": run.protocol.hash[:8], "about": title(run.protocol)}
    return [about | each for each in GalleryData.of(store, run, known).sets(pictures)]


def _told_apart(sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """With names that are different: a mask set's own, if need be with its protocol's."""
    for more in ("protocol", "hash"):
        if len({each["name"] for each in sets}) < len(sets):
            sets = [each | {"name": f"{each['name']}, {each[more]}"} for each in sets]
    return sets
