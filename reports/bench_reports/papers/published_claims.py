"""Table of `bench report --against published`: published numbers beside measured ones, and how they differ."""

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
from bench_reports.papers.measured import changed_rules
from bench_reports.tables import notes
from bench_reports.tables.columns import Column, build_columns
from bench_reports.tables.gaps import FEWER_SEEDS, gap_notes
from bench_reports.tables.merging import MergedRun, merge_runs
from bench_reports.tables.table import Table, protocol_metrics, protocol_title

KEYS = ["method", "paper", "data and holes", "metric"]
COMPARED_RULES = ("image_set", "size", "resize", "crops", "channels", "steps", "batch", "scale", "train_masks")
"""Protocol fields whose differences are listed. Holes are compared by their parameters, not by name."""
NO_NUMBER = (np.nan, "-")
Claim = tuple[PaperTable, Group, str, str, Number]
"""Paper, group, variant, metric and published number."""


def build(
    store: Store,
    runs: Sequence[Run],
    known: Mapping[str, Metric],
    papers: Sequence[PaperTable],
    protocols: Mapping[str, Protocol],
) -> list[Table]:
    """Build one table for all runs that share protocol and images. `protocols` are those of the papers.

    Raises:
        BadInput: no paper has numbers of these methods, or rows of one column differ in definition or holes.
    """
    claims = [Claims(store, run, known, papers, protocols) for run in merge_runs(store, runs)]
    tables = [each.table() for each in claims if each.rows]
    if not tables:
        variants = dict.fromkeys(entry.variant for run in runs for entry in run.entries)
        raise BadInput(f"No paper's table has numbers of {', '.join(variants)}. `bench tables` lists all tables.")
    return tables


@dataclass(frozen=True)
class Claims:
    """Published numbers of the methods in one run."""

    store: Store
    run: MergedRun
    known: Mapping[str, Metric]
    papers: Sequence[PaperTable]
    protocols: Mapping[str, Protocol]
    footnotes: dict[str, int] = field(default_factory=dict)
    """Differences with their numbers, in the order of the table."""

    def table(self) -> Table:
        index = pd.MultiIndex.from_tuples([row["names"] for row in self.rows], names=KEYS)
        heads = pd.MultiIndex.from_product(
            [[""], ["claimed", "measured", "as", "differs in"]], names=["mask_set", "metric"]
        )
        values, texts = (pd.DataFrame([row[kind] for row in self.rows], index, heads) for kind in ("values", "texts"))
        best = pd.DataFrame(False, index, heads)
        return Table(f"Claimed and measured. {protocol_title(self.run)}", values, texts, best, {}, self._notes)

    @property
    def _notes(self) -> list[str]:
        papers = {paper.name: paper for paper, *_ in self._claims()}.values()
        keys = {(group.mask_set, paper.metrics[metric].definition) for paper, group, _, metric, _ in self._claims()}
        columns = [column for key, column in self._columns.items() if key in keys]
        return [
            "claimed: printed in the paper, not measured here, and not part of any statistic. measured: from this "
            "run; a dash if it has no such number.",
            *(f"[{number}] {text}." for text, number in self.footnotes.items()),
            *(f"{paper.name}: {paper.citation}." for paper in papers),
            *(f"{paper.name}: {note}" for paper in papers for note in paper.notes),
            *notes.interval_notes(self.run, columns),
            *notes.few_images_notes(columns, self.known),
            *gap_notes(self.run, columns),
            *self.run.image_notes,
        ]

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """For each claim its names, values and texts."""
        return [self._row(*claim) for claim in self._claims()]

    def _claims(self) -> Iterator[Claim]:
        """Yield every published number of the run's variants, without those relative to another method."""
        for variant in dict.fromkeys(entry.variant for entry in self.run.entries):
            for paper in self.papers:
                # a variant's name ends with a bracket if it used given weights or another precision
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
        differences = self._differences(paper, group, metric, number)
        marks = "".join(f"[{self.footnotes.setdefault(each, len(self.footnotes) + 1)}]" for each in differences)
        unit = f", {number.unit}" if number.unit else ""
        return {
            "names": (variant, paper.name, group.title, f"{metric}{unit}"),
            "values": (float(number.value), value, how.definition, marks),
            "texts": (number.value, text, how.definition or "-", marks),
        }

    def _measured(self, column: Column | None, variant: str, factor: float, digits: int) -> tuple[float, str]:
        """Return a mean and its interval in the paper's units, printed with the paper's decimals."""
        if column is None or variant not in column.means:
            return NO_NUMBER
        value, half = factor * float(column.means[variant]), ""
        if column.result and variant in column.result.variants:
            place, comparison = column.result.variants.index(variant), column.result.comparison
            half = f" ± {factor * (comparison.high[place] - comparison.low[place]) / 2:.{digits}f}"
        few = notes.FEW_IMAGES * (column.num_pairs < column.metric.fewest_images)
        fewer = FEWER_SEEDS * (variant in column.missing_seeds)
        return value, f"{value:.{digits}f}{half}{few}{fewer}"

    def _differences(self, paper: PaperTable, group: Group, metric: str, number: Number) -> list[str]:
        """List all known differences between a claim and this run's measurement."""
        how, num_images = paper.metrics[metric], number.n_images or "an unknown number of"
        if not how.definition:
            return [f"{paper.name}: {metric} is not measured here"]
        differences = [f"{paper.name}: {metric}: {how.differs}"] if how.differs else []
        if num_images != str(self.run.num_pairs):
            differences.append(f"claimed on {num_images} images, measured on {self.run.num_pairs}")
        if not group.protocol:
            return [*differences, f"{paper.name}: no protocol here has the holes of {group.title}"]
        named, used = self.protocols[group.protocol], self.run.protocol
        if rules := changed_rules(named, used, COMPARED_RULES):
            differences.append(f"{named.name}: {'; '.join(rules)}")
        theirs, ours = named.masks[group.mask_set], used.masks.get(group.mask_set)
        if ours is None or group.mask_set not in used.test_masks:
            differences.append(f"this run has no mask set {group.mask_set} ({theirs})")
        elif ours != theirs:
            differences.append(f"{group.mask_set} is {ours}, not {theirs}")
        return differences

    @cached_property
    def _columns(self) -> dict[tuple[str, str], Column]:
        found = build_columns(self.run, self.store.rows(self.run), protocol_metrics(self.run, self.known))
        return {column.key: column for column in found}
