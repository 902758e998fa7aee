"""Plots of the site: of each mask set and metric of a leaderboard, and of a method's training."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from markupsafe import Markup
from matplotlib.figure import Figure

from bench_core.errors import BadInput
from bench_core.specs import Metric
from bench_core.store import Run, Store
from bench_reports.columns import Column
from bench_reports.figures import buckets, curves, losses, ranks, scatter, svg
from bench_reports.site.views import View

Plot = dict[str, str]
"""What it shows, in words, and its ``<svg>``, in which all text is escaped."""


def of_board(store: Store, run: Run, views: Sequence[View]) -> Iterator[tuple[str, str, list[Plot]]]:
    """Mask set and definition, with the ranks, the metric against costs, and the metric against the hole ratio."""
    costs = _costs(store, run)
    for view in (view for view in views if view.seed is None and not view.part):
        parts = [other for other in views if other.seed is None and other.part and other.mask_set == view.mask_set]
        for place, column in enumerate(view.columns):
            inside = [other.columns[place] for other in parts if len(other.columns[place].means)]
            yield view.mask_set, column.metric.definition, _drawn(_of_column(run, column, inside, costs))


def of_method(store: Store, run: Run, variant: str, known: Mapping[str, Metric]) -> list[Plot]:
    """Every metric over the training, where that was judged, and the losses."""

    def asked() -> Iterator[Callable[[], Figure]]:
        for mask_set in run.protocol.test_masks:
            for definition in run.protocol.metrics:
                yield lambda m=mask_set, d=definition: curves.draw(
                    store, run, known, mask_set=m, definition=d, methods=[variant]
                )
        yield lambda: losses.draw(store, run, known, methods=[variant])

    return _drawn(asked())


def _costs(store: Store, run: Run) -> dict[str, Mapping[str, float]]:
    """Of every kind that a cell tells, what methods cost."""
    found = {}
    for cost in scatter.COSTS:
        try:
            found[cost] = scatter.spent(store, run, cost)
        except BadInput:
            continue
    return found


def _of_column(
    run: Run, column: Column, inside: Sequence[Column], costs: Mapping[str, Mapping[str, float]]
) -> Iterator[Callable[[], Figure]]:
    yield lambda: ranks.of_column(run, column)
    if len(column.means):
        for cost, found in costs.items():
            yield lambda cost=cost, found=found: scatter.of_column(run, column, found, cost)
    if inside:
        yield lambda: buckets.of_columns(run, inside)


def _drawn(asked: Iterator[Callable[[], Figure]]) -> list[Plot]:
    """Those that there is something to draw for."""
    plots: list[Plot] = []
    for draw in asked:
        try:
            figure = draw()
        except BadInput:
            continue
        plots.append({"title": str(figure.get_label()), "svg": Markup(svg(figure))})
    return plots
