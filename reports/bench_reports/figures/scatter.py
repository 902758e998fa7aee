"""Quality against cost."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from bench_core.errors import BadInput, unknown
from bench_core.store.store import Run, Store
from bench_reports.costs import costs
from bench_reports.figures import style
from bench_reports.figures.source import Source, looks
from bench_reports.tables.columns import Column
from bench_reports.tables.table import header

HEIGHT = 1.95
COSTS = {
    "image": "seconds to paint and judge an image",
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
    """One column of the table against what methods cost, "image", "training" or "parameters".

    Raises:
        BadInput: there is nothing to draw.
    """
    if cost not in COSTS:
        raise unknown("cost", cost, COSTS)
    column, found = source.column(mask_set, definition), spent(source.store, source.run)
    if cost not in found:
        raise BadInput(f"No cell tells the {COSTS[cost]}: none was trained, or they are of an older version.")
    return of_column(source.run, column, found[cost], cost, width, methods)


def spent(store: Store, run: Run) -> dict[str, dict[str, float]]:
    """For each of `COSTS` that a cell tells, what variants cost; 0 where nothing is learned."""
    every = {
        each.variant: {
            "image": each.image,
            "training": (each.step or 0) * run.protocol.steps,
            "parameters": each.parameters,
        }
        for each in costs(store, run)
    }
    found = {cost: {variant: told[cost] for variant, told in every.items()} for cost in COSTS}
    return {cost: told for cost, told in found.items() if any(told.values())}


@style.rules()
def of_column(
    run: Run,
    column: Column,
    found: Mapping[str, float],
    cost: str,
    width: str = "column",
    methods: Sequence[str] = (),
) -> Figure:
    """A point for each method, with the interval of its mean; a level line where it costs nothing."""
    label = f"{column.metric.title} on {column.where} against {COSTS[cost]}"
    figure = style.new(width, HEIGHT, label)
    axes, shown = figure.subplots(), {}
    for variant, look in looks(run, methods).items():
        if variant in found and variant in column.means:
            _mark(axes, column, variant, found[variant], look)
            shown[variant] = look if found[variant] == 0 else look | {"linestyle": ""}
    _axis(axes)
    axes.set(xlabel=COSTS[cost], ylabel=style.plain(header(column.metric)))
    if not shown:
        raise BadInput(f"There is nothing to draw: no method has both {column.metric.title} and {COSTS[cost]}.")
    style.legend(figure, shown)
    return figure


def _mark(axes: Axes, column: Column, variant: str, cost: float, look: Mapping) -> None:
    mean = column.means[variant]
    if cost == 0:
        axes.axhline(mean, color=look["color"], linestyle=look["linestyle"], linewidth=0.8)
        return
    axes.plot(cost, mean, color=look["color"], marker=look["marker"], markersize=5)
    if column.standing and variant in column.standing.variants:
        ends = column.standing.details.loc[variant, ["low", "high"]].to_numpy(dtype=float)
        axes.plot([cost, cost], ends, color=look["color"], linewidth=0.9)


def _axis(axes: Axes) -> None:
    """Costs differ by factors."""
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.set_xlim(low / 1.5, high * 1.5)
    axes.xaxis.set_major_locator(LogLocator(10, subs=(1.0,) if high / low > 30 else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(style.number)
    axes.xaxis.set_minor_formatter(NullFormatter())
