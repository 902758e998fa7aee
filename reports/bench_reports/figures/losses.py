"""The loss terms of one method over the steps of its training."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench_core.errors import BadInput, unknown
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.figures import style
from bench_reports.figures.curves import HEIGHT, line, steps
from bench_reports.figures.source import Source

POINTS = 150
"""A line has so many at the most, each the mean of equally many steps."""


def draw(source: Source, *, width: str = "column", methods: Sequence[str] = ()) -> Figure:
    """A line for each term of one method, the run's first that learned if none is asked for.

    Raises:
        BadInput: there is nothing to draw.
    """
    logged = dict.fromkeys(entry.variant for entry in _logged(source.store, source.run))
    if not logged:
        raise BadInput("No cell has a training.jsonl, where its losses are: nothing was trained, or it is not here.")
    variant, *others = methods or logged
    if methods and others:
        raise BadInput(f"Losses of several methods do not compare: give one of {', '.join(methods)}.")
    if variant not in logged:
        raise unknown("method with losses in this run", variant, logged)
    return _drawn(read(source.store, source.run, variant), variant, width)


def read(store: Store, run: Run, variant: str) -> pd.DataFrame:
    """One row for every term, step and seed: `term`, `seed`, `step`, `value`."""
    entries = [entry for entry in _logged(store, run) if entry.variant == variant]
    return pd.concat([_thinned(_rows(store, entry)) for entry in entries], ignore_index=True)


def _logged(store: Store, run: Run) -> list[CellStatus]:
    return [entry for entry in run.entries if store.folder(entry).log_path.is_file()]


def _rows(store: Store, entry: CellStatus) -> pd.DataFrame:
    lines = store.folder(entry).losses()
    wide = pd.DataFrame(lines, columns=list(dict.fromkeys(key for each in lines for key in ["step", *each])))
    return wide.melt("step", var_name="term").dropna().assign(seed=entry.seed)


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    together = max(1, -(-(rows["step"].max() + 1) // POINTS)) if len(rows) else 1
    steps = rows["step"] // together * together
    return rows.groupby(["term", "seed", steps], sort=False)["value"].mean().reset_index()


@style.rules()
def _drawn(rows: pd.DataFrame, variant: str, width: str) -> Figure:
    figure = style.new(width, HEIGHT, f"Loss terms of {variant} over the steps of the training")
    axes, shown = figure.subplots(), style.looks(rows["term"])
    for term, look in shown.items():
        line(axes, rows[rows["term"] == term], look)
    steps(axes)
    axes.set(ylabel="loss term")
    if (rows["value"] > 0).all():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(style.number)
        axes.yaxis.set_minor_formatter(NullFormatter())
    style.legend(figure, shown)
    return figure
