"""How all figures look: for each method a colour, a line and a marker that it keeps in all figures of a run."""

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
"""Of a figure, in inches."""
INK = "#111111"
RULES: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that figures are the same on every machine
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "text.color": INK,
    "text.parse_math": False,  # a $ in a name is a dollar
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
    "pdf.fonttype": 42,  # publishers ask for fonts that are embedded whole
    "svg.hashsalt": "inpaint-bench",
}
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7f7f7f")
"""Those of Okabe and Ito, told apart by the colour-blind, but for black and yellow: pages are black or white."""
LINES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "os^Dv<P>X"
LINE = 0.15
"""Inches for each line of a legend."""
LONGEST = 32
"""Characters of a name; longer ones are cut."""


@contextmanager
def rules(**more: Any) -> Iterator[None]:
    """The rules of all figures, whatever the user's own are. Also a decorator."""
    with context(["default", {**RULES, **more}]):
        yield


def new(width: str, height: float, label: str) -> Figure:
    """An empty figure, `height` in inches; `label` says in a sentence what it will show."""
    figure = Figure(figsize=(WIDTHS[width], height), layout="constrained")
    figure.set_label(label)
    return figure


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Colour, line and marker of each name by its place: no two of the first 28 are equal, in print without colour
    no two of the first 36."""
    return {
        name: {
            "color": COLOURS[place % len(COLOURS)],
            "linestyle": LINES[place % len(LINES)],
            "marker": MARKERS[place % len(MARKERS)],
        }
        for place, name in enumerate(dict.fromkeys(names))
    }


def plain(text: str, longest: int = LONGEST) -> str:
    """A text as it can be set: on one line, "?" for what the font lacks, cut where it is too long."""
    shown = "".join(each if ord(each) in _glyphs() and each.isprintable() else "?" for each in " ".join(text.split()))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


@cache
def _glyphs() -> frozenset[int]:
    return frozenset(_font().get_charmap())


def _font() -> FT2Font:
    return font_manager.get_font(font_manager.findfont(RULES["font.family"]))


def _width(text: str) -> float:
    """Of a text in a legend, in inches."""
    font = _font()
    font.set_size(RULES["legend.fontsize"], 72)
    font.set_text(text)
    return font.get_width_height()[0] / 64 / 72


def legend(figure: Figure, shown: dict[str, dict[str, Any]]) -> None:
    """Name what is drawn, above the axes, in as many columns as fit; the figure grows by its lines."""
    names = [plain(name) for name in shown]
    wide = 0.42 + max(map(_width, names))
    columns = min(len(names), max(1, int(figure.get_figwidth() / wide)))
    figure.set_figheight(figure.get_figheight() + LINE * ceil(len(names) / columns))
    handles = [Line2D([], [], **look) for look in shown.values()]
    # matplotlib hides a label that begins with "_"
    hidden = [""] * len(names)
    made = figure.legend(handles, hidden, loc="outside upper center", ncols=columns, columnspacing=1.5)
    for text, name in zip(made.get_texts(), names, strict=True):
        text.set_text(name)


def number(value: float, place: float = 0) -> str:
    """As ticks show it: 0.5, 200, 10k."""
    return EngFormatter(sep="")(value) if abs(value) >= 10_000 else f"{value:g}"


def band(axes: Axes, x: pd.Series | pd.Index, low: pd.Series, high: pd.Series, look: Mapping[str, Any]) -> None:
    """Between two lines; where there is one point only, from one end to the other."""
    if len(x) == 1:
        axes.vlines(x, low, high, color=look["color"], linewidth=0.9)
    else:
        axes.fill_between(x, low, high, color=look["color"], alpha=0.16, linewidth=0)
