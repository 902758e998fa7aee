"""Figure of a metric against the cost of each method."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from bench_core.errors import BadInput, unknown
from bench_core.store.store import Run, Store
from bench_reports.costs import variant_costs
from bench_reports.figures import style
from bench_reports.figures.source import Source, method_styles
from bench_reports.tables.columns import Column
from bench_reports.tables.table import metric_header

HEIGHT = 1.95
"""Height in inches, without the legend."""
COST_LABELS = {
    "image": "seconds to predict and evaluate an image",
    "training": "seconds of a training",
    "parameters": "parameters",
}


def draw(
    source: Source,
    *,
    mask_set: str = "",
    definition: str = "",
    width: str = "column",
    methods: Sequence[str] = (),
    cost: str = "image",
) -> Figure:
    """Draw one column of the table against a cost: "image", "training" or "parameters".

    Raises:
        BadInput: there is nothing to draw.
    """
    if cost not in COST_LABELS:
        raise unknown("cost", cost, COST_LABELS)
    column, costs = source.column(mask_set, definition), costs_by_kind(source.store, source.run)
    if cost not in costs:
        raise BadInput(f"No cell recorded {COST_LABELS[cost]}: nothing was trained, or an older version wrote the run.")
    return draw_column(source.run, column, costs[cost], cost, width, methods)


def costs_by_kind(store: Store, run: Run) -> dict[str, dict[str, float]]:
    """Return for each known kind of cost its value by variant; 0 for training-free methods."""
    by_variant = variant_costs(store, run, {})
    by_kind = {kind: {name: costs.get(kind, 0) for name, costs in by_variant.items()} for kind in COST_LABELS}
    return {kind: costs for kind, costs in by_kind.items() if any(costs.values())}


@style.figure_style()
def draw_column(
    run: Run,
    column: Column,
    costs: Mapping[str, float],
    cost: str,
    width: str = "column",
    methods: Sequence[str] = (),
) -> Figure:
    """Draw a point with its interval for each method, or a horizontal line if its cost is 0."""
    label = f"{column.metric.title} on {column.label} against {COST_LABELS[cost]}"
    figure = style.new_figure(width, HEIGHT, label)
    axes, shown = figure.subplots(), {}
    for variant, line_style in method_styles(run, methods).items():
        if variant in costs and variant in column.means:
            _draw_point(axes, column, variant, costs[variant], line_style)
            shown[variant] = line_style if costs[variant] == 0 else line_style | {"linestyle": ""}
    _set_log_axis(axes)
    axes.set(xlabel=COST_LABELS[cost], ylabel=style.printable(metric_header(column.metric)))
    if not shown:
        raise BadInput(f"There is nothing to draw: no method has both {column.metric.title} and {COST_LABELS[cost]}.")
    style.add_legend(figure, shown)
    return figure


def _draw_point(axes: Axes, column: Column, variant: str, cost: float, line_style: Mapping) -> None:
    mean, color = column.means[variant], line_style["color"]
    if cost == 0:
        axes.axhline(mean, color=color, linestyle=line_style["linestyle"], linewidth=0.8)
        return
    axes.plot(cost, mean, color=color, marker=line_style["marker"], markersize=5)
    if column.result and variant in column.result.variants:
        ends = column.result.details.loc[variant, ["low", "high"]].to_numpy(dtype=float)
        axes.plot([cost, cost], ends, color=color, linewidth=0.9)


def _set_log_axis(axes: Axes) -> None:
    axes.set_xscale("log")  # costs differ by orders of magnitude
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.5, high * 1.5)
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0,) if high / low > 30 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(style.format_tick)
    axes.xaxis.set_minor_formatter(NullFormatter())
