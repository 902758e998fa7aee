"""Figure of one method's loss terms over its training steps."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter

from bench_core.errors import BadInput, unknown
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.figures import style
from bench_reports.figures.curves import HEIGHT, draw_line, label_steps
from bench_reports.figures.source import Source

MAX_POINTS = 150
"""Maximum number of points of a line. Each is the mean of equally many steps."""


def draw(source: Source, *, width: str = "column", methods: Sequence[str] = ()) -> Figure:
    """Draw a line for each loss term of one method, by default the run's first trained one.

    Raises:
        BadInput: there is nothing to draw, or several methods are given.
    """
    logged = dict.fromkeys(entry.variant for entry in _logged(source.store, source.run))
    if not logged:
        raise BadInput("No cell has a training.jsonl with losses: nothing was trained, or the files are missing.")
    variant, *others = methods or logged
    if methods and others:
        raise BadInput(f"Losses of several methods are not comparable: give one of {', '.join(methods)}.")
    if variant not in logged:
        raise unknown("method with losses in this run", variant, logged)
    return _draw_terms(read_losses(source.store, source.run, variant), variant, width)


def read_losses(store: Store, run: Run, variant: str) -> pd.DataFrame:
    """Read the logged losses, thinned out: columns `term`, `seed`, `step` and `value`."""
    entries = [entry for entry in _logged(store, run) if entry.variant == variant]
    return pd.concat([_thinned(_rows(store, entry)) for entry in entries], ignore_index=True)


def _logged(store: Store, run: Run) -> list[CellStatus]:
    return [entry for entry in run.entries if store.folder(entry).log_path.is_file()]


def _rows(store: Store, entry: CellStatus) -> pd.DataFrame:
    lines = store.folder(entry).losses()
    wide = pd.DataFrame(lines, columns=list(dict.fromkeys(key for each in lines for key in ["step", *each])))
    return wide.melt("step", var_name="term").dropna().assign(seed=entry.seed)


def _thinned(rows: pd.DataFrame) -> pd.DataFrame:
    num_steps = max(1, -(-(rows["step"].max() + 1) // MAX_POINTS)) if len(rows) else 1
    steps = rows["step"] // num_steps * num_steps
    return rows.groupby(["term", "seed", steps], sort=False)["value"].mean().reset_index()


@style.figure_style()
def _draw_terms(rows: pd.DataFrame, variant: str, width: str) -> Figure:
    figure = style.new_figure(width, HEIGHT, f"Loss terms of {variant} over the training steps")
    axes, styles = figure.subplots(), style.line_styles(rows["term"])
    for term, line_style in styles.items():
        draw_line(axes, rows[rows["term"] == term], line_style)
    label_steps(axes)
    axes.set(ylabel="loss term")
    if (rows["value"] > 0).all():
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(style.format_tick)
        axes.yaxis.set_minor_formatter(NullFormatter())
    style.add_legend(figure, styles)
    return figure
