"""A table in LaTeX, with the rules of the booktabs package: the best of a column bold, the second underlined."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import ceil

import numpy as np

from bench_reports.formats.latex_text import escaped, is_lost
from bench_reports.tables.table import Table

LINE, PAGE, ROWS = 88, 50, 44
"""So many characters fit on a line, so many lines on a page, so many of them in one table."""
LOST = "?: letters that pdfLaTeX cannot set without further fonts; the other formats of this table have them."
Lines = Sequence[tuple[list[str], list[str]]]
"""For each row its names and its cells, as LaTeX."""


def latex(table: Table) -> bytes:
    """One float for each page that it needs; columns that are too wide for a line stand below the others."""
    parts, again = [r"% needs \usepackage{booktabs}"], False
    for page in _pages(_pieces(table)):
        parts += [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            *[r"\addtocounter{table}{-1}"] * again,
            rf"\caption{{{escaped(table.title)}{' (continued)' * again}}}",
            r"\smallskip",
            *page,
            r"\end{table}",
            "",
        ]
        again = True
    return "\n".join(parts).encode()


def _pieces(table: Table) -> Iterator[tuple[int, list[str]]]:
    """Tables and the notes, each with its height in lines."""
    lines = _lines(table)
    for columns in _blocks(table):
        for start in range(0, max(1, len(lines)), ROWS):
            some = lines[start : start + ROWS]
            yield len(some) + 6, _tabular(table, columns, some)
    names = [name for names, _ in table.lines for name in names]
    lost = any(map(is_lost, [table.title, *table.notes, *names]))
    notes = [*table.notes, *([LOST] if lost else [])]
    yield sum(1 + len(note) // 100 for note in notes), [rf"{{\raggedright {escaped(note)}\par}}" for note in notes]


def _pages(pieces: Iterable[tuple[int, list[str]]]) -> Iterator[list[str]]:
    page, room = [], PAGE
    for height, piece in pieces:
        if page and height > room:
            yield page
            page, room = [], PAGE
        page, room = [*page, *piece], room - height
    yield page


def _lines(table: Table) -> Lines:
    second = table.second.reindex(index=table.values.index, columns=table.values.columns, fill_value=False)
    return [
        (list(map(escaped, names)), [_cell(*of, under) for of, under in zip(cells, unders, strict=True)])
        for (names, cells), unders in zip(table.lines, second.to_numpy(), strict=True)
    ]


def _cell(text: str, best: bool, second: bool) -> str:
    """A number, half of its interval in small type, and its marks."""
    mean, half, marks = re.fullmatch(r"([^ †≈]*)(?: ± ([^ †≈]+))?(.*)", text, re.DOTALL).groups()  # pyright: ignore
    if not mean:
        return escaped(text)
    found = escaped(mean)
    found = rf"\textbf{{{found}}}" if best else rf"\underline{{{found}}}" if second else found
    return found + (rf"{{\scriptsize$\,\pm\,${half}}}" if half else "") + escaped(marks)


def _blocks(table: Table) -> list[list[int]]:
    """Which columns stand beside each other: all, or one mask set, or what of it fits on a line."""
    every = table.lines
    widths = [
        _width([table.header(definition), *(cells[place][0] for _, cells in every)])
        for place, (_, definition) in enumerate(table.columns)
    ]
    names = sum(_width([key, *(names[place] for names, _ in every)]) for place, key in enumerate(table.keys))
    if names + sum(widths) <= LINE:
        return [list(range(len(widths)))]
    room, blocks = max(LINE - names, *widths), []
    for _, group in groupby(range(len(widths)), key=lambda place: table.columns[place][0]):
        places = list(group)
        needed = ceil(sum(widths[place] for place in places) / room)
        blocks += [each.tolist() for each in np.array_split(places, needed)]
    return blocks


def _width(texts: Sequence[str]) -> int:
    return 2 + max(map(len, texts))


def _tabular(table: Table, columns: Sequence[int], lines: Lines) -> list[str]:
    keys = len(table.keys)
    headers = [table.header(table.columns[place][1]) for place in columns]
    rows = [[*names, *(cells[place] for place in columns)] for names, cells in lines]
    return [
        rf"\begin{{tabular}}{{{'l' * keys}{'r' * len(columns)}}}",
        r"\toprule",
        *_groups(table, columns),
        _row(map(escaped, [*table.keys, *headers])),
        r"\midrule",
        *map(_row, rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\medskip",
    ]


def _groups(table: Table, columns: Sequence[int]) -> list[str]:
    """The mask sets above their columns, with a rule below each."""
    groups = [(name, len(list(of))) for name, of in groupby(table.columns[place][0] for place in columns)]
    if not any(name for name, _ in groups):
        return []
    first, rules = len(table.keys) + 1, []
    for _, width in groups:
        rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    spans = [rf"\multicolumn{{{width}}}{{c}}{{{escaped(name)}}}" for name, width in groups]
    return [_row([*[""] * len(table.keys), *spans]), "".join(rules)]


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
