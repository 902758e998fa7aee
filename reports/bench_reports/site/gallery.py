"""Gallery: composites of all methods for the same image and hole, with their values."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from bench_core.specs import Metric
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.site.gallery_images import MAX_ERROR, GalleryImages, error_colours
from bench_reports.site.pages import data_script, json_number, method_path, render
from bench_reports.tables.merging import MergedRun, merge_runs
from bench_reports.tables.table import ARROWS, protocol_metrics, protocol_title


def write(folder: Path, store: Store, runs: Sequence[Run], known: Mapping[str, Metric]) -> bool:
    """Write page, data and images of the gallery into a site's folder; return False if no cell saved images.

    Raises:
        BadInput: a file of the store is damaged.
    """
    images = GalleryImages(folder / "images")
    images.folder.mkdir(parents=True, exist_ok=True)
    sets = [each for run in merge_runs(store, runs) for each in GalleryData.read(store, run, known).sets(images)]
    if not sets:
        images.folder.rmdir()
        return False
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "gallery.js").write_bytes(data_script("GALLERY", _with_unique_names(sets)))
    page = render("gallery.html", "gallery.html", True, colours=error_colours(), max_error=MAX_ERROR)
    (folder / "gallery.html").write_bytes(page)
    return True


def _with_unique_names(sets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add the protocol's name and hash, or all that is known, to names of mask sets that are not unique otherwise."""
    for key in ("protocol", "hash", "about"):
        if len({each["name"] for each in sets}) < len(sets):
            sets = [each | {"name": f"{each['name']}, {each[key]}"} for each in sets]
    return sets


@dataclass(frozen=True)
class GalleryData:
    """Rows of one run, and the data of its mask sets."""

    store: Store
    run: MergedRun
    metrics: Sequence[Metric]
    """Metrics that are measured on every image."""
    rows: Mapping[tuple, pd.DataFrame]
    """Rows by mask set, variant, seed and metric; one row for each pair, in order."""

    @classmethod
    def read(cls, store: Store, run: MergedRun, known: Mapping[str, Metric]) -> "GalleryData":
        rows = store.rows(run)
        rows = rows[rows["image"] != "*"]
        keys = ["mask_set", "variant", "seed", "metric"]
        metrics = [metric for metric in protocol_metrics(run, known).values() if metric.per == "image"]
        return cls(store, run, metrics, dict(iter(rows.groupby(keys, sort=False, observed=True))))

    def sets(self, images: GalleryImages) -> Iterator[dict[str, Any]]:
        """Yield the data of each mask set with saved images, and copy these."""
        for mask_set in self.run.protocol.test_masks:
            samples = [self._samples(entry, mask_set) for entry in self.run.entries]
            saved = sorted({number for folder in samples if folder for number in _saved_pairs(folder)})
            if saved:
                yield self._set(mask_set, samples, saved, images)

    def _set(
        self, mask_set: str, samples: Sequence[Path | None], saved: Sequence[int], images: GalleryImages
    ) -> dict[str, Any]:
        names, ratios = self._pairs(mask_set)
        with ThreadPoolExecutor() as threads:
            files = list(threads.map(partial(images.add_pair, samples), saved))
        saved_names = [names[number] for number in saved]
        return {
            "protocol": self.run.protocol.name,
            "hash": self.run.protocol.hash[:8],
            "about": protocol_title(self.run),
            "name": mask_set,
            "metrics": [
                {"key": each.definition, "title": each.title, "arrow": ARROWS[each.better], "digits": each.digits}
                for each in self.metrics
            ],
            "methods": [
                {"name": self._name(entry), "path": method_path(entry.variant), "reason": _reason(entry, mask_set)}
                for entry in self.run.entries
            ],
            "pairs": [
                {"name": names[number], "ratio": ratios[number]} | pair
                for number, pair in zip(saved, files, strict=True)
            ],
            "values": [
                [self._values(entry, mask_set, metric, saved_names) for metric in self.metrics]
                for entry in self.run.entries
            ],
        }

    def _samples(self, entry: CellStatus, mask_set: str) -> Path | None:
        if entry.state != "done" or mask_set not in entry.evaluation_ids:
            return None
        return self.store.folder(entry).examples_folder(entry.evaluation_ids[mask_set])

    def _pairs(self, mask_set: str) -> tuple[list[str], list[float | None]]:
        """Return image name and hole ratio of every pair; rows are stored in the order of pairs."""
        for (name, *_), rows in self.rows.items():
            if name == mask_set and len(rows) == self.run.num_pairs:
                return rows["image"].astype(str).tolist(), rows["hole_ratio"].round(3).tolist()
        return [f"pair {number}" for number in range(self.run.num_pairs)], [None] * self.run.num_pairs

    def _values(self, entry: CellStatus, mask_set: str, metric: Metric, names: Sequence[str]) -> list[float | None]:
        """Return the values of some images, rounded as tables round."""
        rows = self.rows.get((mask_set, entry.variant, entry.seed, metric.definition))
        if rows is None:
            return [None] * len(names)
        found = dict(zip(rows["image"].astype(str), rows["value"], strict=True))
        values = [json_number(found.get(name)) for name in names]
        return [None if value is None else round(value, metric.digits) for value in values]

    def _name(self, entry: CellStatus) -> str:
        has_seeds = Counter(each.variant for each in self.run.entries)[entry.variant] > 1
        return entry.title if has_seeds else entry.variant


def _saved_pairs(folder: Path) -> set[int]:
    return {int(path.name.partition("-")[0]) for path in folder.glob("[0-9]*-composite.png")}


def _reason(entry: CellStatus, mask_set: str) -> str:
    """Explain why a method has no composites; empty if it may have some."""
    if mask_set in entry.missing:
        return f"has no rows here: {entry.missing[mask_set]}"
    if entry.state == "failed":
        return f"failed: {entry.reason}"
    reason = entry.reason if entry.state == "n/a" else entry.refused.get(mask_set)
    return f"is n/a here: it {reason}" if reason else "is not finished" if entry.state == "pending" else ""
