"""A metric against the size of holes."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench_core.store.store import Run
from bench_reports.figures import style
from bench_reports.figures.source import Source, looks
from bench_reports.tables.by_hole_ratio import EDGES, LABELS, Buckets
from bench_reports.tables.columns import Column
from bench_reports.tables.table import header

HEIGHT = 1.95
APART = 0.05
"""Tick labels that are nearer than this would overlap."""


def draw(
    source: Source, *, mask_set: str = "", definition: str = "", width: str = "column", methods: Sequence[str] = ()
) -> Figure:
    """One metric in every bucket of a mask set, as in the table by hole ratio.

    Raises:
        BadInput: there is nothing to draw.
    """
    metric, where = source.metric(definition), source.mask_set(mask_set)
    buckets = Buckets(source.store, source.run, {metric.definition: metric})
    source.check(buckets.rows)
    found = [column for (column,) in buckets.columns_of(where) if len(column.means)]
    if not found:
        raise source.nothing(metric, where)
    return of_columns(source.run, found, width, methods)


@style.rules()
def of_columns(run: Run, found: Sequence[Column], width: str = "column", methods: Sequence[str] = ()) -> Figure:
    """Columns of one metric, one for each bucket, at the buckets' middles. Bands are 95 % intervals of the means."""
    metric, where = found[0].metric, found[0].mask_set
    figure = style.new(width, HEIGHT, f"{metric.title} against the hole ratio on {where}")
    axes, shown = figure.subplots(), {}
    for variant, look in looks(run, methods).items():
        points = pd.DataFrame([_point(column, variant) for column in found if variant in column.means])
        if len(points):
            axes.plot(points["x"], points["mean"], **look)
            style.band(axes, points["x"], points["low"], points["high"], look)
            shown[variant] = look
    _ticks(axes, found)
    axes.set(xlabel="hole ratio", ylabel=style.plain(header(metric)))
    style.legend(figure, shown)
    return figure


def _point(column: Column, variant: str) -> dict[str, float]:
    """Middle of the bucket, mean, and ends of its interval, NaN where there is none."""
    details = column.standing.details if column.standing else pd.DataFrame()
    here = details.reindex(index=[variant], columns=["low", "high"]).to_numpy(dtype=float)[0]
    low, high = _edges(column)
    return {"x": (low + high) / 2, "mean": float(column.means[variant]), "low": here[0], "high": here[1]}


def _edges(column: Column) -> tuple[float, float]:
    place = LABELS.index(column.part)
    return EDGES[place], EDGES[place + 1]


def _ticks(axes: Axes, found: Sequence[Column]) -> None:
    """At the edges of buckets."""
    edges = sorted({edge for column in found for edge in _edges(column)})
    named = [f"{edge:g}" if edge == edges[0] or edge - edges[0] > APART else "" for edge in edges]
    axes.set_xticks(edges, named)
