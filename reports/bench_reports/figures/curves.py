"""Figure of a metric over the training steps."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bench_core.errors import BadInput
from bench_core.specs import Metric
from bench_reports.figures import style
from bench_reports.figures.paper_curves import read_curves
from bench_reports.figures.source import Source, method_styles
from bench_reports.tables.table import metric_header

HEIGHT = 1.95
"""Height in inches, without the legend."""


def draw(
    source: Source, *, mask_set: str = "", definition: str = "", width: str = "column", methods: Sequence[str] = ()
) -> Figure:
    """Draw a line for each method: the mean over seeds, with a band from the lowest to the highest seed.

    Raises:
        BadInput: there is nothing to draw.
    """
    metric, mask_set = source.metric(definition), source.mask_set(mask_set)
    points = read_curves(source.store, [source.run])
    points = points[(points["mask_set"] == mask_set) & (points["metric"] == metric.definition)]
    styles = {name: each for name, each in method_styles(source.run, methods).items() if name in set(points["variant"])}
    if not styles:
        raise BadInput(
            f"There are no curves of {metric.title} on {mask_set}: set `curve_every` in the protocol to record them "
            "during training."
        )
    return _draw_points(points, styles, metric, mask_set, width)


@style.figure_style()
def _draw_points(
    points: pd.DataFrame, styles: dict[str, dict[str, Any]], metric: Metric, mask_set: str, width: str
) -> Figure:
    figure = style.new_figure(width, HEIGHT, f"{metric.title} on {mask_set} over the training steps")
    axes = figure.subplots()
    for variant, line_style in styles.items():
        draw_line(axes, points[points["variant"] == variant], line_style)
    label_steps(axes)
    axes.set(ylabel=style.printable(metric_header(metric)))
    style.add_legend(figure, styles)
    return figure


def label_steps(axes: Axes) -> None:
    axes.set(xlabel="training step")
    axes.xaxis.set_major_formatter(style.format_tick)


def draw_line(axes: Axes, points: pd.DataFrame, line_style: Mapping) -> None:
    """Draw the mean of `value` at each `step`, with a band from the lowest to the highest value."""
    spread = points.groupby("step")["value"].agg(["mean", "min", "max"])
    axes.plot(spread.index, spread["mean"], **line_style, markevery=(0, max(1, len(spread) // 8)))
    style.draw_band(axes, spread.index, spread["min"], spread["max"], line_style)
