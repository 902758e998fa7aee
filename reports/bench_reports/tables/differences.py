"""Which of two is better: for every mask set and metric the difference on the same pairs, and how sure it is."""

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
from bench_reports.tables.columns import Column, column
from bench_reports.tables.consistency import same_holes, same_versions
from bench_reports.tables.pairing import PairedRows
from bench_reports.tables.table import Table, title, wanted

KEYS = ["mask set", "metric"]
ENDS = ["low", "high"]
"""Of the 95 % interval of the difference."""


@dataclass(frozen=True)
class Differences:
    names: tuple[str, str]
    heading: str
    frame: pd.DataFrame
    """A row for each comparison: the means ``a`` and ``b``, the ``difference`` a - b with ``low`` and ``high``, ``p``,
    the share ``a_better`` of pairs, and the ``verdict``."""
    digits: Sequence[int]
    """Decimals of each row."""
    told: Sequence[str]

    def table(self) -> Table:
        share = f"{self.names[0]} better on"
        names = dict(zip("ab", self.names, strict=True)) | {"a_better": share}
        texts = self.frame.copy().astype(object)
        for what in ("a", "b", "difference", *ENDS):
            sign = "+" if what not in ("a", "b") else ""
            texts[what] = [_text(x, f"{sign}.{n}f") for x, n in zip(self.frame[what], self.digits, strict=True)]
        texts["p"] = ["< 0.001" if p < 0.001 else _text(p, ".3f") for p in self.frame["p"]]
        texts["a_better"] = [_text(x, ".0%") for x in self.frame["a_better"]]
        values, texts = (frame.rename(columns=names) for frame in (self.frame, texts))
        for frame in (values, texts):
            frame.columns = pd.MultiIndex.from_product([[""], frame.columns], names=["mask_set", "metric"])
        best = pd.DataFrame(False, values.index, values.columns)
        return Table(self.heading, values, texts, best, {}, self.told)

    def record(self) -> dict[str, Any]:
        """As plain data, with None for what cannot be said."""
        rows = self.frame.reset_index().astype(object)
        rows = rows.where(rows.notna() & ~rows.isin([np.inf, -np.inf]), None)
        rows = rows.rename(columns={"mask set": "mask_set"})
        return {"a": self.names[0], "b": self.names[1], "comparisons": rows.to_dict("records"), "notes": [*self.told]}


def build(sides: Sequence[PairedRows], asked: Sequence[str], known: Mapping[str, Metric]) -> Differences:
    """Compare the same two, for one or several methods. `asked` are metrics; none means all that were measured.

    Raises:
        BadInput: a metric was not measured on both sides, or not on the same pairs or by the same definition.
    """
    found = []
    for each in sides:
        metrics = _metrics(each, asked, known)
        same_versions(each.rows, metrics)
        same_holes(each.rows)
        found += [(each, of) for of in _columns(each, metrics)]
    frame = pd.DataFrame([_row(each, of) for each, of in found])
    tested = frame["p"].notna()
    frame.loc[tested, "p"] = holm(frame.loc[tested, "p"].to_numpy())
    frame["verdict"] = [_verdict(each, of, p) for (each, of), p in zip(found, frame["p"], strict=True)]
    run, names = sides[0].run, sides[0].names
    columns = [of for _, of in found]
    told = [
        f"difference: {names[0]} - {names[1]} on the same pairs; low, high: ends of its 95 % interval; p: corrected "
        f"by Holm for the {tested.sum()} comparisons of this table.",
        *notes.of_intervals(run, columns),
        *notes.of_few(columns, known),
        *notes.reasons(run),
        *notes.of_perfect(columns),
    ]
    frame = frame.set_index([*KEYS, "method"])
    frame = frame if sides[0].method else frame.droplevel("method")
    heading = f"{' against '.join(names)}. {title(run.protocol)}"
    return Differences(names, heading, frame, [of.metric.digits for of in columns], told)


def _metrics(sides: PairedRows, asked: Sequence[str], known: Mapping[str, Metric]) -> dict[str, Metric]:
    measured = [set(sides.rows[sides.rows["variant"] == name]["metric"]) for name in sides.names]
    if not asked:
        both = set.intersection(*measured)
        return {name: metric for name, metric in wanted(sides.run, known).items() if name in both}
    metrics = {metric.definition: metric for metric in select_metrics(asked, known)}
    for definition in metrics:
        for name, has in zip(sides.names, measured, strict=True):
            if definition not in has:
                raise BadInput(f"{definition} was not measured for {name}; measured are {', '.join(sorted(has))}.")
    return metrics


def _columns(sides: PairedRows, metrics: Mapping[str, Metric]) -> list[Column]:
    columns = []
    for (mask_set, definition), rows in sides.rows.groupby(["mask_set", "metric"], sort=False, observed=True):
        if definition in metrics and rows["variant"].nunique() == 2:
            _same_images(sides, str(mask_set), rows)
            columns.append(column(sides.run, str(mask_set), metrics[str(definition)], rows))
    if not columns:
        raise BadInput(f"{' and '.join(sides.names)} have no metric on a common mask set: there is nothing to compare.")
    return columns


def _same_images(sides: PairedRows, mask_set: str, rows: pd.DataFrame) -> None:
    a, b = (set(rows[rows["variant"] == name]["image"]) for name in sides.names)
    if a != b:
        lone = min(a ^ b)
        has, lacks = sides.names if lone in a else sides.names[::-1]
        raise BadInput(
            f"On {mask_set} the images differ: {len(a)} of {sides.names[0]}, {len(b)} of {sides.names[1]}. {has} has "
            f"{lone} and {lacks} has not."
        )


def _row(sides: PairedRows, of: Column) -> dict[str, Any]:
    a, b = (float(of.means[name]) for name in sides.names)
    row = {"mask set": of.mask_set, "metric": of.metric.definition, "method": sides.method, "a": a, "b": b}
    row |= {"difference": a - b if np.isfinite([a, b]).all() else np.nan, "low": np.nan, "high": np.nan, "p": np.nan}
    if of.standing and len(of.standing.variants) == 2:
        comparison = of.standing.comparison
        place = tuple(of.standing.variants.index(name) for name in sides.names)
        row |= {"low": comparison.differences_low[place], "high": comparison.differences_high[place]}
        row["p"] = comparison.p[place]
    return row | {"a_better": _share(sides, of), "verdict": ""}


def _share(sides: PairedRows, of: Column) -> float:
    """Of the pairs on which the first is better, by its mean over seeds."""
    if of.metric.per == "set":
        return np.nan
    rows = sides.rows[(sides.rows["mask_set"] == of.mask_set) & (sides.rows["metric"] == of.metric.definition)]
    values = rows.groupby(["variant", "image"], observed=True)["value"].mean()
    a, b = (values[name] for name in sides.names)
    return float((a > b if of.metric.better == "higher" else a < b).mean())


def _verdict(sides: PairedRows, of: Column, p: float) -> str:
    if of.best.all():
        return "equal"
    better = of.best[of.best].index[0]
    if np.isnan(p):
        return f"{better} has the better number; how sure that is cannot be told"
    return f"{better} is better" if p < SIGNIFICANCE_LEVEL else "not distinguishable"


def _text(value: float, how: str) -> str:
    return "-" if np.isnan(value) else f"{value:{how}}"
