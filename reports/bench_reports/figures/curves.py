"""A metric over the steps of the training, as cells wrote it down."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench_core.errors import BadInput
from bench_core.specs import Metric
from bench_reports.figures import style
from bench_reports.figures.paper_curves import read
from bench_reports.figures.source import Source, looks
from bench_reports.tables.table import header

HEIGHT = 1.95


def draw(
    source: Source, *, mask_set: str = "", definition: str = "", width: str = "column", methods: Sequence[str] = ()
) -> Figure:
    """A line for each method, or for these only: the mean over seeds, its band from the lowest to the highest.

    Raises:
        BadInput: there is nothing to draw.
    """
    metric, where = source.metric(definition), source.mask_set(mask_set)
    points = read(source.store, [source.run])
    points = points[(points["mask_set"] == where) & (points["metric"] == metric.definition)]
    shown = {name: look for name, look in looks(source.run, methods).items() if name in set(points["variant"])}
    if not shown:
        raise BadInput(
            f"There are no curves of {metric.title} on {where}: cells write them while they are trained, where the "
            "protocol says `curve_every`."
        )
    return _drawn(points, shown, metric, where, width)


@style.rules()
def _drawn(points: pd.DataFrame, shown: dict[str, dict[str, Any]], metric: Metric, where: str, width: str) -> Figure:
    figure = style.new(width, HEIGHT, f"{metric.title} on {where} over the steps of the training")
    axes = figure.subplots()
    for variant, look in shown.items():
        line(axes, points[points["variant"] == variant], look)
    steps(axes)
    axes.set(ylabel=style.plain(header(metric)))
    style.legend(figure, shown)
    return figure


def steps(axes: Axes) -> None:
    axes.set(xlabel="training step")
    axes.xaxis.set_major_formatter(style.number)


def line(axes: Axes, points: pd.DataFrame, look: Mapping) -> None:
    """The mean of `value` over what shares a `step`, with a band from the lowest to the highest."""
    spread = points.groupby("step")["value"].agg(["mean", "min", "max"])
    axes.plot(spread.index, spread["mean"], **look, markevery=(0, max(1, len(spread) // 8)))
    style.band(axes, spread.index, spread["min"], spread["max"], look)
