"""Plots of the site: of each mask set and metric of a leaderboard, and of a method's training."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import product

from markupsafe import Markup
from matplotlib.figure import Figure

from bench_core.errors import BadInput
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.figures import buckets, curves, losses, ranks, scatter, svg
from bench_reports.figures.source import Source
from bench_reports.site.filters import TableFilter
from bench_reports.tables.columns import Column

Plot = dict[str, str]
"""What it shows, in words, and its ``<svg>``, in which all text is escaped."""


def of_board(store: Store, run: Run, views: Sequence[TableFilter]) -> Iterator[tuple[str, str, list[Plot]]]:
    """Mask set and definition, with the ranks, the metric against costs, and the metric against the hole ratio."""
    costs = scatter.spent(store, run)
    for view in (view for view in views if view.seed is None and not view.part):
        parts = [other for other in views if other.seed is None and other.part and other.mask_set == view.mask_set]
        for place, column in enumerate(view.columns):
            inside = [other.columns[place] for other in parts if len(other.columns[place].means)]
            yield view.mask_set, column.metric.definition, _drawn(_of_column(run, column, inside, costs))


def of_method(store: Store, run: Run, variant: str, known: Mapping[str, Metric]) -> list[Plot]:
    """Every metric over the training, where that was judged, and the losses."""
    return _drawn(_of_training(Source(store, run, known), variant))


def _of_training(source: Source, variant: str) -> Iterator[Callable[[], Figure]]:
    rules = source.run.protocol
    for mask_set, definition in product(rules.test_masks, rules.metrics):
        yield partial(curves.draw, source, mask_set=mask_set, definition=definition, methods=[variant])
    yield partial(losses.draw, source, methods=[variant])


def _of_column(
    run: Run, column: Column, inside: Sequence[Column], costs: Mapping[str, Mapping[str, float]]
) -> Iterator[Callable[[], Figure]]:
    yield partial(ranks.of_column, run, column)
    if len(column.means):
        for cost, found in costs.items():
            yield partial(scatter.of_column, run, column, found, cost)
    if inside:
        yield partial(buckets.of_columns, run, inside)


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
