"""Which ranks are possible for each method, from what its differences to the others make certain."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench_core.errors import BadInput
from bench_core.store.store import Run
from bench_reports.figures import style
from bench_reports.figures.source import Source, looks
from bench_reports.tables.columns import Column

LINE = 0.19
"""Inches for each method."""
GROUPS = 14
"""Characters for the groups of a method."""


def draw(source: Source, *, mask_set: str = "", definition: str = "", width: str = "column") -> Figure:
    """The ranks of one column of the table, best method on top.

    Raises:
        BadInput: there is nothing to draw.
    """
    return of_column(source.run, source.column(mask_set, definition), width)


@style.rules()
def of_column(run: Run, column: Column, width: str = "column") -> Figure:
    """A bar from the best to the worst rank that is possible, a marker at the rank of the mean, letters of the groups.

    Raises:
        BadInput: the column has no ranks.
    """
    title, standing = column.metric.title, column.standing
    if standing is None:
        raise BadInput(f"{title} on {column.where} has no ranks: it is no mean over several images.")
    up = column.metric.better == "lower"
    ordered = standing.details.loc[column.means[list(standing.variants)].sort_values(ascending=up).index]
    figure = style.new(width, 0.6 + LINE * len(ordered), f"Ranks that are possible by {title} on {column.where}")
    axes, every = figure.subplots(), looks(run, ())
    for place, (variant, of) in enumerate(ordered.iterrows(), start=1):
        look = every[str(variant)]
        ends = [of["best rank"], of["worst rank"]]
        axes.plot(ends, [place] * 2, color=look["color"], linewidth=5, alpha=0.35, solid_capstyle="round")
        axes.plot(place, place, color=look["color"], marker=look["marker"])
        axes.text(
            1.02, place, style.plain(of["group"], GROUPS), transform=axes.get_yaxis_transform(), va="center", fontsize=7
        )
    names = [style.plain(str(name)) for name in ordered.index]
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.set(xlabel=f"rank by {style.plain(title)}", xlim=(0.6, len(names) + 0.4), ylim=(len(names) + 0.6, 0.4))
    axes.xaxis.set_major_locator(MaxNLocator(min(7, len(names)), integer=True, min_n_ticks=1))
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure
