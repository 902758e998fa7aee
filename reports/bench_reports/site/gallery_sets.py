"""What the gallery shows, as plain data: for each mask set the methods, the pairs with pictures, and their values."""

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
from bench_reports.site.links import method_path
from bench_reports.site.pages import number
from bench_reports.site.pictures import Pictures
from bench_reports.tables.table import ARROWS, wanted


@dataclass(frozen=True)
class GalleryData:
    """One run, whose mask sets are shown."""

    store: Store
    run: Run
    metrics: Sequence[Metric]
    """Those that are measured on every picture."""
    rows: Mapping[tuple, pd.DataFrame]
    """By mask set, variant, seed and metric; one row for each pair, in order."""

    @classmethod
    def of(cls, store: Store, run: Run, known: Mapping[str, Metric]) -> "GalleryData":
        rows = store.rows(run)
        rows = rows[rows["image"] != "*"]
        keys = ["mask_set", "variant", "seed", "metric"]
        metrics = [metric for metric in wanted(run, known).values() if metric.per == "image"]
        return cls(store, run, metrics, dict(iter(rows.groupby(keys, sort=False, observed=True))))

    def sets(self, pictures: Pictures) -> Iterator[dict[str, Any]]:
        """One for each mask set that has pictures, which are taken over."""
        for mask_set in self.run.protocol.test_masks:
            samples = [self._samples(entry, mask_set) for entry in self.run.entries]
            kept = sorted({number for folder in samples if folder for number in _numbers(folder)})
            if kept:
                yield self._set(mask_set, samples, kept, pictures)

    def _set(
        self, mask_set: str, samples: Sequence[Path | None], kept: Sequence[int], pictures: Pictures
    ) -> dict[str, Any]:
        names, ratios = self._pairs(mask_set)
        with ThreadPoolExecutor() as threads:
            shown = list(threads.map(partial(pictures.of_pair, samples), kept))
        about = [{"name": names[number], "ratio": ratios[number]} for number in kept]
        return {
            "name": mask_set,
            "metrics": [
                {"key": each.definition, "title": each.title, "arrow": ARROWS[each.better], "digits": each.digits}
                for each in self.metrics
            ],
            "methods": [
                {"name": self._name(entry), "path": method_path(entry.variant), "why": _why(entry, mask_set)}
                for entry in self.run.entries
            ],
            "pairs": [one | other for one, other in zip(about, shown, strict=True)],
            "values": [
                [self._values(entry, mask_set, metric, [names[number] for number in kept]) for metric in self.metrics]
                for entry in self.run.entries
            ],
        }

    def _samples(self, entry: CellStatus, mask_set: str) -> Path | None:
        if entry.state != "done" or mask_set not in entry.evaluation_ids:
            return None
        return self.store.folder(entry).examples_folder(entry.evaluation_ids[mask_set])

    def _pairs(self, mask_set: str) -> tuple[list[str], list[float | None]]:
        """The image's name and the hole's ratio, of every pair: those of the rows, which are in the order of pairs."""
        for (of, *_), rows in self.rows.items():
            if of == mask_set and len(rows) == self.run.num_pairs:
                return rows["image"].astype(str).tolist(), rows["hole_ratio"].round(3).tolist()
        return [f"pair {number}" for number in range(self.run.num_pairs)], [None] * self.run.num_pairs

    def _values(self, entry: CellStatus, mask_set: str, metric: Metric, names: Sequence[str]) -> list[float | None]:
        """Of the pairs with pictures, as exactly as it is shown."""
        rows = self.rows.get((mask_set, entry.variant, entry.seed, metric.definition))
        if rows is None:
            return [None] * len(names)
        found = dict(zip(rows["image"].astype(str), rows["value"], strict=True))
        values = [number(found.get(name)) for name in names]
        return [None if value is None else round(value, metric.digits) for value in values]

    def _name(self, entry: CellStatus) -> str:
        several = Counter(each.variant for each in self.run.entries)[entry.variant] > 1
        return entry.title if several else entry.variant


def _numbers(folder: Path) -> set[int]:
    return {int(path.name.partition("-")[0]) for path in folder.glob("[0-9]*-composite.png")}


def _why(entry: CellStatus, mask_set: str) -> str:
    """Why a method painted nothing."""
    if entry.state == "failed":
        return f"failed: {entry.reason}"
    reason = entry.reason if entry.state == "n/a" else entry.refused.get(mask_set)
    return f"is n/a here: it {reason}" if reason else "is not finished" if entry.state == "pending" else ""
