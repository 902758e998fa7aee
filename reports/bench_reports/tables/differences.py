"""Differences of two methods or runs on the same pairs, with intervals, p values and verdicts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench_core.errors import BadInput
from bench_core.metrics.select import select_metrics
from bench_core.specs import Metric
from bench_core.statistics.ranking import SIGNIFICANCE_LEVEL, holm
from bench_reports.tables import notes
from bench_reports.tables.columns import Column, build_column
from bench_reports.tables.consistency import check_holes, check_versions
from bench_reports.tables.gaps import FEWER_SEEDS, gap_notes
from bench_reports.tables.pairing import PairedRows
from bench_reports.tables.table import Table, protocol_metrics

KEYS = ["mask set", "metric"]
ENDS = ["low", "high"]
"""Ends of the 95 % interval of the difference."""


@dataclass(frozen=True)
class Differences:
    """Comparisons of two sides, a and b."""

    names: tuple[str, str]
    title: str
    frame: pd.DataFrame
    """One row for each comparison: means ``a`` and ``b``, ``difference`` a - b with ``low`` and ``high``, corrected
    ``p``, ``a_better`` (share of pairs in [0, 1] on which a is better) and ``verdict``."""
    digits: Sequence[int]
    """Decimals of each row."""
    marks: Sequence[tuple[str, ...]]
    """Marks of both means in each row."""
    notes: Sequence[str]

    def table(self) -> Table:
        names = dict(zip("ab", self.names, strict=True)) | {"a_better": f"{self.names[0]} better on"}
        texts = self.frame.copy().astype(object)
        for key in ("a", "b", "difference", *ENDS):
            sign = "+" if key not in ("a", "b") else ""
            texts[key] = [_text(x, f"{sign}.{n}f") for x, n in zip(self.frame[key], self.digits, strict=True)]
        for place, key in enumerate("ab"):
            texts[key] = [text + marks[place] for text, marks in zip(texts[key], self.marks, strict=True)]
        texts["p"] = ["< 0.001" if p < 0.001 else _text(p, ".3f") for p in self.frame["p"]]
        texts["a_better"] = [_text(x, ".0%") for x in self.frame["a_better"]]
        values, texts = (frame.rename(columns=names) for frame in (self.frame, texts))
        for frame in (values, texts):
            frame.columns = pd.MultiIndex.from_product([[""], frame.columns], names=["mask_set", "metric"])
        best = pd.DataFrame(False, values.index, values.columns)
        return Table(self.title, values, texts, best, {}, self.notes)

    def record(self) -> dict[str, Any]:
        """Return plain data for JSON, with None for NaN and infinite values."""
        rows = self.frame.reset_index().astype(object)
        rows = rows.where(rows.notna() & ~rows.isin([np.inf, -np.inf]), None)
        rows = rows.rename(columns={"mask set": "mask_set"})
        return {"a": self.names[0], "b": self.names[1], "comparisons": rows.to_dict("records"), "notes": [*self.notes]}


def build(pairings: Sequence[PairedRows], metrics: Sequence[str], known: Mapping[str, Metric]) -> Differences:
    """Compare the same two sides, for one or several methods. No `metrics` means all that both sides have.

    Raises:
        BadInput: a side lacks a metric, or the sides differ in images, holes or the version of a metric.
    """
    found = []
    for pairing in pairings:
        selected = _metrics(pairing, metrics, known)
        check_versions(pairing.rows, selected)
        check_holes(pairing.rows)
        found += [(pairing, column) for column in _columns(pairing, selected)]
    frame = pd.DataFrame([_row(pairing, column) for pairing, column in found])
    frame["p"] = holm(frame["p"].to_numpy(dtype=float))
    frame["verdict"] = [_verdict(column, p) for (_, column), p in zip(found, frame["p"], strict=True)]
    run, names = pairings[0].run, pairings[0].names
    gaps = [
        f"{pairing.method}: {note}" if pairing.method else note
        for pairing in pairings
        for note in [
            *gap_notes(pairing.run, [column for each, column in found if each is pairing]),
            *_unpaired_notes(pairing, metrics),
        ]
    ]
    columns = [column for _, column in found]
    equal = "; equal values are not compared" if "equal" in set(frame["verdict"]) else ""
    explained = [
        f"difference: {names[0]} - {names[1]} on the same pairs; low, high: ends of its 95 % interval; p: corrected "
        f"by Holm for the {frame['p'].count()} comparisons of this table{equal}.",
        *notes.interval_notes(run, columns),
        *notes.few_images_notes(columns, known),
        *gaps,
        *notes.perfect_match_notes(columns),
        *run.image_notes,
    ]
    frame = frame.set_index([*KEYS, "method"])
    frame = frame if pairings[0].method else frame.droplevel("method")
    title = f"{' against '.join(names)}. {pairings[0].title}"
    marks = [tuple(FEWER_SEEDS * (name in column.missing_seeds) for name in names) for column in columns]
    return Differences(names, title, frame, [column.metric.digits for column in columns], marks, explained)


def _metrics(pairing: PairedRows, requested: Sequence[str], known: Mapping[str, Metric]) -> dict[str, Metric]:
    measured = [set(pairing.rows[pairing.rows["variant"] == name]["metric"]) for name in pairing.names]
    if not requested:
        both = set.intersection(*measured)
        return {name: metric for name, metric in protocol_metrics(pairing.run, known).items() if name in both}
    metrics = {metric.definition: metric for metric in select_metrics(requested, known)}
    for definition in metrics:
        for name, found in zip(pairing.names, measured, strict=True):
            if definition not in found:
                raise BadInput(f"{definition} was not measured for {name}; measured are {', '.join(sorted(found))}.")
    return metrics


def _columns(pairing: PairedRows, metrics: Mapping[str, Metric]) -> list[Column]:
    columns = []
    for (mask_set, definition), rows in pairing.rows.groupby(["mask_set", "metric"], sort=False, observed=True):
        if definition in metrics and rows["variant"].nunique() == 2:
            _check_same_images(pairing, str(mask_set), rows)
            column = build_column(pairing.run, str(mask_set), metrics[str(definition)], rows)
            if column.partial:
                raise BadInput(
                    f"{' and '.join(column.partial)} has {definition} on {mask_set} for some pairs only: repeat the "
                    "command that measured it."
                )
            columns.append(column)
    if not columns:
        raise BadInput(f"{' and '.join(pairing.names)} share no metric on a common mask set: nothing to compare.")
    return columns


def _unpaired_notes(pairing: PairedRows, requested: Sequence[str]) -> list[str]:
    """Name what only one side was measured by."""
    sides: dict[tuple[str, str], set[str]] = {}
    for mask_set, definition, side in pairing.rows[["mask_set", "metric", "variant"]].drop_duplicates().to_numpy():
        sides.setdefault((mask_set, definition), set()).add(side)
    return [
        f"{definition} on {mask_set} is not compared: {lacking} does not have it."
        for (mask_set, definition), having in sides.items()
        for lacking in set(pairing.names) - having
        if not requested or {definition, definition.partition("@")[0]} & set(requested)
    ]


def _check_same_images(pairing: PairedRows, mask_set: str, rows: pd.DataFrame) -> None:
    a, b = (set(rows[rows["variant"] == name]["image"]) for name in pairing.names)
    if a != b:
        example = min(a ^ b)
        has, lacks = pairing.names if example in a else pairing.names[::-1]
        raise BadInput(
            f"On {mask_set} the images differ: {len(a)} of {pairing.names[0]}, {len(b)} of {pairing.names[1]}. "
            f"{has} has {example}, {lacks} does not."
        )


def _row(pairing: PairedRows, column: Column) -> dict[str, Any]:
    a, b = (float(column.means[name]) for name in pairing.names)
    row = {"mask set": column.mask_set, "metric": column.metric.definition, "method": pairing.method, "a": a, "b": b}
    row |= {"difference": a - b if np.isfinite([a, b]).all() else np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    if column.result and len(column.result.variants) == 2:
        comparison = column.result.comparison
        place = tuple(column.result.variants.index(name) for name in pairing.names)
        row |= {"low": comparison.differences_low[place], "high": comparison.differences_high[place]}
        row["p"] = comparison.p[place]
    return row | {"a_better": _share(pairing, column), "verdict": ""}


def _share(pairing: PairedRows, column: Column) -> float:
    """Return the share of pairs on which the first side is better, by its mean over seeds."""
    if column.metric.per == "set":
        return np.nan
    rows = pairing.rows
    rows = rows[(rows["mask_set"] == column.mask_set) & (rows["metric"] == column.metric.definition)]
    values = rows.groupby(["variant", "image"], observed=True)["value"].mean()
    a, b = (values[name] for name in pairing.names)
    return float((a > b if column.metric.better == "higher" else a < b).mean())


def _verdict(column: Column, p: float) -> str:
    if column.best.all() or (column.result and len(column.result.variants) == 2 and np.isnan(p)):
        return "equal"
    better = column.best[column.best].index[0]
    if np.isnan(p):
        return f"{better} has the better number; its significance is unknown"
    if column.result and column.result.too_few_photographs:
        return "too few images"
    return f"{better} is better" if p < SIGNIFICANCE_LEVEL else "not distinguishable"


def _text(value: float, format_: str) -> str:
    return "-" if np.isnan(value) else f"{value:{format_}}"
