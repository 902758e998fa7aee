"""What papers claim for a run's methods, beside what the run measured, and all that is known to differ between both."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from bench_core.errors import BadInput
from bench_core.paper_table import Group, Number, PaperTable
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.papers.measured import departures
from bench_reports.tables import notes
from bench_reports.tables.columns import Column, columns
from bench_reports.tables.table import Table, merged, title, wanted

KEYS = ["method", "paper", "data and holes", "metric"]
COMPARED = ("image_set", "size", "resize", "crops", "channels", "steps", "batch", "scale", "train_masks")
"""What of the rules is told where it differs; the holes are told by what they are, not by their name."""
NO_NUMBER = (np.nan, "-")


def build(
    store: Store,
    runs: Sequence[Run],
    known: Mapping[str, Metric],
    papers: Sequence[PaperTable],
    protocols: Mapping[str, Protocol],
) -> list[Table]:
    """One table for all runs that have protocol and test images in common. `protocols` are those of the papers.

    Raises:
        BadInput: no paper's table has a method of these runs, or rows of one column do not mean the same.
    """
    claims = [Claims(store, run, known, papers, protocols) for run in merged(runs)]
    tables = [each.table() for each in claims if each.rows]
    if not tables:
        variants = dict.fromkeys(entry.variant for run in runs for entry in run.entries)
        raise BadInput(f"No paper's table has numbers of {', '.join(variants)}; `bench tables` lists what there is.")
    return tables


@dataclass(frozen=True)
class Claims:
    store: Store
    run: Run
    known: Mapping[str, Metric]
    papers: Sequence[PaperTable]
    protocols: Mapping[str, Protocol]
    footnotes: dict[str, int] = field(default_factory=dict)
    """Differences, in the order in which they were met, with their numbers."""

    def table(self) -> Table:
        index = pd.MultiIndex.from_tuples([row["names"] for row in self.rows], names=KEYS)
        heads = pd.MultiIndex.from_product(
            [[""], ["claimed", "measured", "as", "differs in"]], names=["mask_set", "metric"]
        )
        values, texts = (pd.DataFrame([row[kind] for row in self.rows], index, heads) for kind in ("values", "texts"))
        best = pd.DataFrame(False, index, heads)
        return Table(f"Claimed and measured. {title(self.run.protocol)}", values, texts, best, {}, self._notes())

    def _notes(self) -> list[str]:
        papers = {paper.name: paper for paper, *_ in self._claimed()}.values()
        keys = {(group.mask_set, paper.metrics[metric].definition) for paper, group, _, metric, _ in self._claimed()}
        beside = [column for key, column in self._columns.items() if key in keys]
        return [
            "claimed: printed in the paper; it was not measured here and is part of no statistic. measured: by this "
            "run; a dash where it has no such number.",
            *(f"[{number}] {text}." for text, number in self.footnotes.items()),
            *(f"{paper.name}: {paper.citation}." for paper in papers),
            *(f"{paper.name}: {note}" for paper in papers for note in paper.notes),
            *notes.of_intervals(self.run, beside),
            *notes.of_few(beside, self.known),
            *notes.reasons(self.run),
        ]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """For each claim its names, and values and texts of its cells."""
        return [self._row(*claim) for claim in self._claimed()]

    def _claimed(self) -> Iterator[tuple[PaperTable, Group, str, str, Number]]:
        """Every published number of a variant of the run, but for those relative to another method."""
        for variant in dict.fromkeys(entry.variant for entry in self.run.entries):
            for paper in self.papers:
                # with given weights, or at another precision, a variant's name tells so in brackets
                rows = [row for row, request in paper.methods.items() if request == variant.partition(" (")[0]]
                for row in rows:
                    for group in paper.groups:
                        for metric, how in paper.metrics.items():
                            number = paper.number(row, group, metric)
                            if number and not how.relative_to:
                                yield paper, group, variant, metric, number

    def _row(self, paper: PaperTable, group: Group, variant: str, metric: str, number: Number) -> dict[str, Any]:
        how = paper.metrics[metric]
        column = self._columns.get((group.mask_set, how.definition))
        value, text = self._measured(column, variant, how.factor, len(number.value.partition(".")[2]))
        told = self._differences(paper, group, metric, number)
        marks = "".join(f"[{self.footnotes.setdefault(each, len(self.footnotes) + 1)}]" for each in told)
        unit = f", {number.unit}" if number.unit else ""
        return {
            "names": (variant, paper.name, group.title, f"{metric}{unit}"),
            "values": (float(number.value), value, how.definition, marks),
            "texts": (number.value, text, how.definition or "-", marks),
        }

    def _measured(self, column: Column | None, variant: str, factor: float, digits: int) -> tuple[float, str]:
        """A mean in the paper's units with half of its interval, with the decimals of the paper."""
        if column is None or variant not in column.means:
            return NO_NUMBER
        value, half = factor * float(column.means[variant]), ""
        if column.standing and variant in column.standing.variants:
            place, ends = column.standing.variants.index(variant), column.standing.comparison
            half = f" ± {factor * (ends.high[place] - ends.low[place]) / 2:.{digits}f}"
        few = notes.DAGGER * (column.pairs < column.metric.fewest_images)
        return value, f"{value:.{digits}f}{half}{few}"

    def _differences(self, paper: PaperTable, group: Group, metric: str, number: Number) -> list[str]:
        """All that is known to differ between a claim and what this run measures."""
        how, images = paper.metrics[metric], number.n_images or "an untold number of"
        if not how.definition:
            return [f"{paper.name}: {metric} is measured by nothing here"]
        told = [f"{paper.name}: {metric}: {how.differs}"] if how.differs else []
        if images != str(self.run.num_pairs):
            told.append(f"claimed on {images} images, measured on {self.run.num_pairs}")
        if not group.protocol:
            return [*told, f"{paper.name}: no protocol here has the holes of {group.title}"]
        named, used = self.protocols[group.protocol], self.run.protocol
        if rules := departures(named, used, COMPARED):
            told.append(f"{named.name}: {'; '.join(rules)}")
        theirs, ours = named.masks[group.mask_set], used.masks.get(group.mask_set)
        if ours is None or group.mask_set not in used.test_masks:
            told.append(f"this run has no mask set {group.mask_set} ({theirs})")
        elif ours != theirs:
            told.append(f"{group.mask_set} is {ours}, not {theirs}")
        return told

    @cached_property
    def _columns(self) -> dict[tuple[str, str], Column]:
        found = columns(self.run, self.store.rows(self.run), wanted(self.run, self.known))
        return {column.key: column for column in found}
