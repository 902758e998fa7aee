"""A table in LaTeX with booktabs rules: best values bold, second best underlined."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from math import ceil

import numpy as np

from bench_reports.formats.latex_text import escape, has_unsupported
from bench_reports.tables.table import Table

LINE_CHARACTERS, PAGE_LINES, TABLE_ROWS = 88, 50, 44
"""Maximum number of characters per line, lines per page, and rows per tabular."""
UNSUPPORTED_NOTE = (
    "?: letters that pdfLaTeX cannot set without further fonts; the other formats of this table have them."
)
Lines = Sequence[tuple[list[str], list[str]]]
"""Names and cells of each row, in LaTeX."""


def latex(table: Table) -> bytes:
    """Return one float per page. Columns that do not fit a line go into further tabulars below."""
    parts, continued = [r"% needs \usepackage{booktabs}"], False
    for page in _pages(_pieces(table)):
        parts += [
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{3pt}",
            *[r"\addtocounter{table}{-1}"] * continued,
            rf"\caption{{{escape(table.title)}{' (continued)' * continued}}}",
            r"\smallskip",
            *page,
            r"\end{table}",
            "",
        ]
        continued = True
    return "\n".join(parts).encode()


def _pieces(table: Table) -> Iterator[tuple[int, list[str]]]:
    """Yield tabulars and finally the notes, each with its height in lines."""
    lines = _lines(table)
    for columns in _column_blocks(table):
        for start in range(0, max(1, len(lines)), TABLE_ROWS):
            part = lines[start : start + TABLE_ROWS]
            yield len(part) + 6, _tabular(table, columns, part)
    names = [name for names, _ in table.lines for name in names]
    unsupported = any(map(has_unsupported, [table.title, *table.notes, *names]))
    notes = [*table.notes, *([UNSUPPORTED_NOTE] if unsupported else [])]
    yield sum(1 + len(note) // 100 for note in notes), [rf"{{\raggedright {escape(note)}\par}}" for note in notes]


def _pages(pieces: Iterable[tuple[int, list[str]]]) -> Iterator[list[str]]:
    page, room = [], PAGE_LINES
    for height, piece in pieces:
        if page and height > room:
            yield page
            page, room = [], PAGE_LINES
        page, room = [*page, *piece], room - height
    yield page


def _lines(table: Table) -> Lines:
    second = table.second.reindex(index=table.values.index, columns=table.values.columns, fill_value=False)
    return [
        (list(map(escape, names)), [_cell(*cell, is_second) for cell, is_second in zip(cells, seconds, strict=True)])
        for (names, cells), seconds in zip(table.lines, second.to_numpy(), strict=True)
    ]


def _cell(text: str, best: bool, second: bool) -> str:
    """Set a mean, half of its interval in small type, and its marks."""
    mean, half, marks = re.fullmatch(r"([^ †§≈]*)(?: ± ([^ †§≈]+))?(.*)", text, re.DOTALL).groups()  # pyright: ignore
    if not mean:
        return escape(text)
    mean = escape(mean)
    mean = rf"\textbf{{{mean}}}" if best else rf"\underline{{{mean}}}" if second else mean
    return mean + (rf"{{\scriptsize$\,\pm\,${half}}}" if half else "") + escape(marks)


def _column_blocks(table: Table) -> list[list[int]]:
    """Group columns into blocks that fit a line: all of them, those of a mask set, or a part of these."""
    lines = table.lines
    widths = [
        _width([table.header(definition), *(cells[place][0] for _, cells in lines)])
        for place, (_, definition) in enumerate(table.columns)
    ]
    names = sum(_width([key, *(names[place] for names, _ in lines)]) for place, key in enumerate(table.keys))
    if names + sum(widths) <= LINE_CHARACTERS:
        return [list(range(len(widths)))]
    room, blocks = max(LINE_CHARACTERS - names, *widths), []
    for _, group in groupby(range(len(widths)), key=lambda place: table.columns[place][0]):
        places = list(group)
        count = ceil(sum(widths[place] for place in places) / room)
        blocks += [block.tolist() for block in np.array_split(places, count)]
    return blocks


def _width(texts: Sequence[str]) -> int:
    return 2 + max(map(len, texts))


def _tabular(table: Table, columns: Sequence[int], lines: Lines) -> list[str]:
    num_keys = len(table.keys)
    headers = [table.header(table.columns[place][1]) for place in columns]
    rows = [[*names, *(cells[place] for place in columns)] for names, cells in lines]
    return [
        rf"\begin{{tabular}}{{{'l' * num_keys}{'r' * len(columns)}}}",
        r"\toprule",
        *_group_header(table, columns),
        _row(map(escape, [*table.keys, *headers])),
        r"\midrule",
        *map(_row, rows),
        r"\bottomrule",
        r"\end{tabular}",
        r"\par\medskip",
    ]


def _group_header(table: Table, columns: Sequence[int]) -> list[str]:
    """Return a row with the mask sets above their columns, and rules below them."""
    groups = [(name, len(list(group))) for name, group in groupby(table.columns[place][0] for place in columns)]
    if not any(name for name, _ in groups):
        return []
    first, rules = len(table.keys) + 1, []
    for _, width in groups:
        rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    spans = [rf"\multicolumn{{{width}}}{{c}}{{{escape(name)}}}" for name, width in groups]
    return [_row([*[""] * len(table.keys), *spans]), "".join(rules)]


def _row(cells: Iterable[str]) -> str:
    return " & ".join(cells) + r" \\"
