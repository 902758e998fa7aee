"""Figure of a metric against the hole ratio."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench_core.store.store import Run
from bench_reports.figures import style
from bench_reports.figures.source import Source, method_styles
from bench_reports.tables.by_hole_ratio import EDGES, LABELS, Buckets
from bench_reports.tables.columns import Column
from bench_reports.tables.table import metric_header

HEIGHT = 1.95
"""Height in inches, without the legend."""
MIN_TICK_DISTANCE = 0.05
"""Hole ratio below which two tick labels would overlap."""


def draw(
    source: Source, *, mask_set: str = "", definition: str = "", width: str = "column", methods: Sequence[str] = ()
) -> Figure:
    """Draw one metric in every bucket of a mask set.

    Raises:
        BadInput: there is nothing to draw.
    """
    metric, mask_set = source.metric(definition), source.mask_set(mask_set)
    buckets = Buckets(source.store, source.run, {metric.definition: metric})
    source.check(buckets.rows)
    columns = [column for (column,) in buckets.columns_of(mask_set) if len(column.means)]
    if not columns:
        raise source.no_values_error(metric, mask_set)
    return draw_columns(source.run, columns, width, methods)


@style.figure_style()
def draw_columns(run: Run, columns: Sequence[Column], width: str = "column", methods: Sequence[str] = ()) -> Figure:
    """Draw one metric's columns, one for each bucket, at the buckets' middles. Bands are 95 % intervals."""
    metric, mask_set = columns[0].metric, columns[0].mask_set
    figure = style.new_figure(width, HEIGHT, f"{metric.title} against the hole ratio on {mask_set}")
    axes, shown = figure.subplots(), {}
    for variant, line_style in method_styles(run, methods).items():
        points = pd.DataFrame([_point(column, variant) for column in columns if variant in column.means])
        if len(points):
            axes.plot(points["x"], points["mean"], **line_style)
            style.draw_band(axes, points["x"], points["low"], points["high"], line_style)
            shown[variant] = line_style
    _set_ticks(axes, columns)
    axes.set(xlabel="hole ratio", ylabel=style.printable(metric_header(metric)))
    style.add_legend(figure, shown)
    return figure


def _point(column: Column, variant: str) -> dict[str, float]:
    """Return the middle of the bucket, the mean, and the ends of its interval, NaN if it has none."""
    details = column.result.details if column.result else pd.DataFrame()
    ends = details.reindex(index=[variant], columns=["low", "high"]).to_numpy(dtype=float)[0]
    low, high = _edges(column)
    return {"x": (low + high) / 2, "mean": float(column.means[variant]), "low": ends[0], "high": ends[1]}


def _edges(column: Column) -> tuple[float, float]:
    place = LABELS.index(column.bucket)
    return EDGES[place], EDGES[place + 1]


def _set_ticks(axes: Axes, columns: Sequence[Column]) -> None:
    edges = sorted({edge for column in columns for edge in _edges(column)})
    labels = [f"{edge:g}" if edge == edges[0] or edge - edges[0] > MIN_TICK_DISTANCE else "" for edge in edges]
    axes.set_xticks(edges, labels)
