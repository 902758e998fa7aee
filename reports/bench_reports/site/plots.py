"""Plots of the site: for each mask set and metric of a leaderboard, and for a method's training."""

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
"""Title and ``<svg>`` element, with all text escaped."""


def board_plots(store: Store, run: Run, filters: Sequence[TableFilter]) -> Iterator[tuple[str, str, list[Plot]]]:
    """Yield each mask set and metric with its plots: ranks, metric against cost, metric against hole ratio."""
    costs = scatter.costs_by_kind(store, run)
    all_seeds = [each for each in filters if each.seed is None]
    for whole in (each for each in all_seeds if not each.bucket):
        parts = [each for each in all_seeds if each.bucket and each.mask_set == whole.mask_set]
        for place, column in enumerate(whole.columns):
            inside = [part.columns[place] for part in parts if len(part.columns[place].means)]
            plots = _draw_all(_column_plots(run, column, inside, costs))
            yield whole.mask_set, column.metric.definition, plots


def method_plots(store: Store, run: Run, variant: str, known: Mapping[str, Metric]) -> list[Plot]:
    """Plot every metric that was recorded during training, and the losses."""
    return _draw_all(_training_plots(Source(store, run, known), variant))


def _training_plots(source: Source, variant: str) -> Iterator[Callable[[], Figure]]:
    protocol = source.run.protocol
    for mask_set, definition in product(protocol.test_masks, protocol.metrics):
        yield partial(curves.draw, source, mask_set=mask_set, definition=definition, methods=[variant])
    yield partial(losses.draw, source, methods=[variant])


def _column_plots(
    run: Run, column: Column, bucket_columns: Sequence[Column], costs: Mapping[str, Mapping[str, float]]
) -> Iterator[Callable[[], Figure]]:
    yield partial(ranks.draw_column, run, column)
    if len(column.means):
        for kind, values in costs.items():
            yield partial(scatter.draw_column, run, column, values, kind)
    if bucket_columns:
        yield partial(buckets.draw_columns, run, bucket_columns)


def _draw_all(draws: Iterator[Callable[[], Figure]]) -> list[Plot]:
    """Draw the plots that have data."""
    plots: list[Plot] = []
    for draw in draws:
        try:
            figure = draw()
        except BadInput:
            continue
        plots.append({"title": str(figure.get_label()), "svg": Markup(svg(figure))})
    return plots
