"""A paper's table with measured numbers beside the published ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Literal

import numpy as np
import pandas as pd

from bench_core.metrics import select_metrics
from bench_core.paper_table import Group, PaperTable
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.papers.measured import Measured, find
from bench_reports.tables.gaps import FEWER_SEEDS
from bench_reports.tables.notes import FEW_IMAGES
from bench_reports.tables.table import Table

DIFFERS = "‡"
"""Marks a number that was measured in another way than the published one beside it."""
Cell = tuple[float, str]
EMPTY = (np.nan, "-")


def build(
    paper: PaperTable,
    protocols: Mapping[str, Protocol],
    store: Store | None,
    runs: Sequence[Run],
    known: Mapping[str, Metric],
) -> Table:
    """Build a table in the paper's layout, with two columns for each of its own: published and measured."""
    found = {name: find(store, runs, protocol, known) for name, protocol in protocols.items()}
    return SideBySide(paper, found, known).table()


@dataclass(frozen=True)
class SideBySide:
    """A paper's table, and the results of its protocols."""

    paper: PaperTable
    found: Mapping[str, Measured | None]
    """Results by protocol; None if the protocol was not run."""
    known: Mapping[str, Metric]

    def table(self) -> Table:
        columns: dict[tuple[str, str], list[Cell]] = {}
        headers: dict[str, Metric] = {}
        for group in self.paper.groups:
            for metric in self.paper.metrics_of(group):
                kinds = {"published": self._published} if self.paper.published else {}
                for kind, cell in {**kinds, "measured": self._measured}.items():
                    name = f"{metric} {kind}"
                    columns[group.title, name] = [cell(method, group, metric) for method in self.paper.methods]
                    headers[name] = Metric(name, f"{metric}\n{kind}", "", self._better(metric), "")
        frame = pd.DataFrame(columns, pd.Index(list(self.paper.methods), name="method"))
        values, texts = (frame.map(itemgetter(part)) for part in (0, 1))
        best = pd.DataFrame(False, frame.index, frame.columns)
        return Table(self.paper.title, values, texts, best, headers, self._notes())

    def _published(self, method: str, group: Group, metric: str) -> Cell:
        number = self.paper.number(method, group, metric)
        return (float(number.value), number.value) if number else EMPTY

    def _measured(self, method: str, group: Group, metric: str) -> Cell:
        measured, number = self.found.get(group.protocol), self.paper.number(method, group, metric)
        how, request = self.paper.metrics[metric], self.paper.methods[method]
        if measured is None or not request or not how.definition or (self.paper.published and not number):
            return EMPTY
        value, text = measured.cell(request, group.mask_set, how.definition)
        if np.isnan(value):
            return np.nan, text
        if how.relative_to:
            value = value / measured.cell(self.paper.methods[how.relative_to], group.mask_set, how.definition)[0] - 1
        if np.isnan(value):
            return EMPTY
        differs = how.differs or measured.changes or (number and number.n_images not in ("", str(measured.num_pairs)))
        marks = "".join(mark for mark in (FEW_IMAGES, FEWER_SEEDS) if mark in text) + DIFFERS * bool(differs)
        return value * how.factor, f"{value * how.factor:.{self._digits(group, metric)}f}{marks}"

    def _digits(self, group: Group, metric: str) -> int:
        """Return the decimals of the published numbers, or of the metric if there are none."""
        numbers = [self.paper.number(method, group, metric) for method in self.paper.methods]
        printed = [len(number.value.partition(".")[2]) for number in numbers if number]
        return max(printed) if printed else self._definition(metric).digits

    def _better(self, metric: str) -> Literal["higher", "lower"]:
        for number in self.paper.published:
            if number.metric == metric:
                return number.direction
        return self._definition(metric).better

    def _definition(self, metric: str) -> Metric:
        return select_metrics([self.paper.metrics[metric].definition], self.known)[0]

    def _notes(self) -> list[str]:
        paper = self.paper
        measured = [f"{method} by {self._variants(request)}" for method, request in paper.methods.items() if request]
        missing = [method for method, request in paper.methods.items() if not request]
        return [
            f"{paper.citation}.",
            *([f"Measured: {', '.join(measured)}."] if measured else []),
            *([f"No method here: {', '.join(missing)}."] if missing else []),
            *self._metric_notes(),
            *paper.notes,
            *(note for name, measured in self.found.items() for note in self._protocol_notes(name, measured)),
        ]

    def _variants(self, request: str) -> str:
        """Name the variants that stand for a request; the request itself if it was not measured."""
        named = dict.fromkeys(name for each in self.found.values() if each and (name := each.variant(request)))
        return ", ".join(named) or request

    def _metric_notes(self) -> list[str]:
        units = {number.metric: f", in {number.unit}," for number in self.paper.published if number.unit}
        notes = []
        for metric, how in self.paper.metrics.items():
            measured = f"is measured as {how.definition}" if how.definition else "is not measured"
            differs = f" {DIFFERS} {how.differs}." if how.differs else ""
            notes.append(f"{metric}{units.get(metric, '')} {measured}.{differs}")
        return notes

    def _protocol_notes(self, name: str, measured: Measured | None) -> list[str]:
        if measured is None:
            return [f"{name} has not been run."]
        notes = [f"{DIFFERS} {name} was run with {'; '.join(measured.changes)}."] if measured.changes else []
        groups = {(group.dataset, group.mask) for group in self.paper.groups if group.protocol == name}
        counts = {number.n_images for number in self.paper.published if (number.dataset, number.mask) in groups}
        if counts and counts != {str(measured.num_pairs)}:
            published = " or ".join(sorted(counts - {""})) or "an unknown number"
            notes.append(f"{name}: measured on {measured.num_pairs} images, published on {published}.")
        return notes + [f"{name}: {note}" for note in measured.table.notes]
