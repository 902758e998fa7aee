"""Style of all figures. A method has the same colour, line and marker in every figure of a run."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from math import ceil
from typing import Any

import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ft2font import FT2Font
from matplotlib.lines import Line2D
from matplotlib.style import context
from matplotlib.ticker import EngFormatter

WIDTHS = {"column": 3.25, "page": 6.75}
"""Width of a figure in inches."""
INK = "#111111"
RC_PARAMS: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so figures are equal on every machine
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "text.color": INK,
    "text.parse_math": False,  # names may contain $
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#808080",
    "grid.alpha": 0.25,
    "grid.linewidth": 0.5,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "lines.markeredgewidth": 0,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # TrueType: publishers reject the default Type 3 fonts
    "svg.hashsalt": "inpaint-bench",
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Colour-blind safe palette of Okabe and Ito. Yellow is left out and black is grey, as pages are white or black."""
LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "os^Dv<P>X"
LEGEND_LINE = 0.15
"""Inches for each line of a legend."""
MAX_NAME = 32
"""Maximum number of characters of a name; longer ones are cut."""


@contextmanager
def figure_style(**extra: Any) -> Iterator[None]:
    """Replace the user's matplotlib settings by those of all figures. Context manager or decorator."""
    with context(["default", {**RC_PARAMS, **extra}]):
        yield


def new_figure(width: str, height: float, label: str) -> Figure:
    """Create an empty figure of `height` inches. `label` describes it in one sentence."""
    figure = Figure(figsize=(WIDTHS[width], height), layout="constrained")
    figure.set_label(label)
    return figure


def line_styles(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Assign colour, line and marker to each name by its place.

    Colour and line differ among the first 28 names, line and marker (without colour) among the first 36.
    """
    return {
        name: {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": LINES[place % len(LINES)],
            "marker": MARKERS[place % len(MARKERS)],
        }
        for place, name in enumerate(dict.fromkeys(names))
    }


def printable(text: str, max_length: int = MAX_NAME) -> str:
    """Return a text on one line, with "?" for letters that the font lacks, cut to `max_length` characters."""
    shown = "".join(each if ord(each) in _glyphs() and each.isprintable() else "?" for each in " ".join(text.split()))
    return shown if len(shown) <= max_length else shown[: max_length - 1] + "…"


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def _font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont(RC_PARAMS["font.family"]))


def _legend_width(text: str) -> float:
    """Width of a text in a legend, in inches."""
    font = _font()
    font.set_size(RC_PARAMS["legend.fontsize"], 72)
    font.set_text(text)
    return font.get_width_height()[0] / 64 / 72


def add_legend(figure: Figure, styles: dict[str, dict[str, Any]]) -> None:
    """Add a legend above the axes, in as many columns as fit. The figure grows by its lines."""
    names = [printable(name) for name in styles]
    column_width = 0.42 + max(map(_legend_width, names))
    columns = min(len(names), max(1, int(figure.get_figwidth() / column_width)))
    figure.set_figheight(figure.get_figheight() + LEGEND_LINE * ceil(len(names) / columns))
    handles = [Line2D([], [], **line_style) for line_style in styles.values()]
    # matplotlib hides labels that begin with "_", so they are set afterwards
    empty = [""] * len(names)
    legend = figure.legend(handles, empty, loc="outside upper center", ncols=columns, columnspacing=1.5)
    for text, name in zip(legend.get_texts(), names, strict=True):
        text.set_text(name)


def format_tick(value: float, place: float = 0) -> str:
    """Format a tick: 0.5, 200, 10k."""
    return EngFormatter(sep="")(value) if abs(value) >= 10_000 else f"{value:g}"


def draw_band(
    axes: Axes, x: pd.Series | pd.Index, low: pd.Series, high: pd.Series, line_style: Mapping[str, Any]
) -> None:
    """Fill the area between two lines; draw a vertical line if there is only one point."""
    if len(x) == 1:
        axes.vlines(x, low, high, color=line_style["color"], linewidth=0.9)
    else:
        axes.fill_between(x, low, high, color=line_style["color"], alpha=0.16, linewidth=0)
