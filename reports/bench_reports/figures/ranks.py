"""Figure of the ranks that the paired differences allow for each method."""

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from bench_core.errors import BadInput
from bench_core.store.store import Run
from bench_reports.figures import style
from bench_reports.figures.source import Source, method_styles
from bench_reports.tables.columns import Column

LINE_HEIGHT = 0.19
"""Inches for each method."""
MAX_GROUP_LETTERS = 14


def draw(source: Source, *, mask_set: str = "", definition: str = "", width: str = "column") -> Figure:
    """Draw the ranks of one column of the table, best method on top.

    Raises:
        BadInput: there is nothing to draw.
    """
    return draw_column(source.run, source.column(mask_set, definition), width)


@style.figure_style()
def draw_column(run: Run, column: Column, width: str = "column") -> Figure:
    """Draw a bar from the best to the worst possible rank, a marker at the rank of the mean, and the group letters.

    Raises:
        BadInput: the column has no ranks.
    """
    title, result = column.metric.title, column.result
    if result is None:
        raise BadInput(f"{title} on {column.label} has no ranks: it is not a mean over several images.")
    ascending = column.metric.better == "lower"
    ordered = result.details.loc[column.means[list(result.variants)].sort_values(ascending=ascending).index]
    label = f"Ranks that are possible by {title} on {column.label}"
    figure = style.new_figure(width, 0.6 + LINE_HEIGHT * len(ordered), label)
    axes, styles = figure.subplots(), method_styles(run, ())
    for place, (variant, details) in enumerate(ordered.iterrows(), start=1):
        color, marker = styles[str(variant)]["color"], styles[str(variant)]["marker"]
        ends = [details["best rank"], details["worst rank"]]
        axes.plot(ends, [place] * 2, color=color, linewidth=5, alpha=0.35, solid_capstyle="round")
        axes.plot(place, place, color=color, marker=marker)
        group = style.printable(details["group"], MAX_GROUP_LETTERS)
        axes.text(1.02, place, group, transform=axes.get_yaxis_transform(), va="center", fontsize=7)
    names = [style.printable(str(name)) for name in ordered.index]
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.set(xlabel=f"rank by {style.printable(title)}", xlim=(0.6, len(names) + 0.4), ylim=(len(names) + 0.6, 0.4))
    axes.xaxis.set_major_locator(MaxNLocator(min(7, len(names)), integer=True, min_n_ticks=1))
    axes.grid(axis="y", visible=False)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    return figure
