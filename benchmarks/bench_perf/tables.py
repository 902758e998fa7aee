"""The tables that `bench perf` prints."""

from itertools import groupby
from math import isinf

from rich.markup import escape
from rich.table import Table

from bench_core.system.progress import open_console
from bench_perf.records import Report, Row

TITLES = {
    "forward": "MethodOutput",
    "training": "Training step",
    "overhead": "Training step beside a bare loop",
    "metrics": "Measuring",
    "masks": "Drawing holes",
    "loading": "Reading and resizing images",
    "startup": "Start",
}
COLUMNS = ("what", "who", "median ms", "quartiles", "per second", "times as fast", "x floor", "peak MiB", "difference")
WIDTH = 140
"""Of tables that go to a file."""
BUSY = 0.5
"""Processes at work besides this one, from which on a machine is called busy."""


def show(report: Report) -> None:
    """Print a table for each part, and below what the numbers mean."""
    out = open_console()
    out.width = out.width if out.file.isatty() else WIDTH
    for part, rows in groupby(report.rows, key=lambda row: row.part):
        found = list(rows)
        out.print(_table(TITLES[part], [row for row in found if row.median]))
        for line in _gaps(found):
            out.print(f"[yellow]{escape(line)}[/]", soft_wrap=True)
    for line in _remarks(report):
        out.print(escape(line), soft_wrap=True)


def _table(title: str, rows: list[Row]) -> Table:
    """Of what was measured, with those columns that are of use."""
    cells = [_cells(row) for row in rows]
    for above, below, row in zip(rows, rows[1:], cells[1:], strict=False):
        row[0] = "" if above.case == below.case else row[0]
    used = [number for number in range(len(COLUMNS)) if any(row[number] for row in cells)]
    table = Table(title=title)
    for number in used:
        table.add_column(COLUMNS[number], justify="left" if number < 2 else "right")
    for row in cells:
        table.add_row(*(row[number] for number in used))
    return table


def _cells(row: Row) -> list[str]:
    assert row.median and row.lower and row.upper, "a gap has no cells"
    return [
        row.case,
        escape(row.name),
        _number(row.median * 1000),
        f"{_number(row.lower * 1000)} - {_number(row.upper * 1000)}",
        f"{_number(row.items / row.median)} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.2f}x",
        "" if row.floor is None else f"{row.floor:.2f}",
        "" if row.peak is None else f"{row.peak:.0f}",
        _difference(row),
    ]


def _gaps(rows: list[Row]) -> list[str]:
    """Why some could not be measured, with those together that have one reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.median is None:
            names.setdefault((row.case, row.reason), []).append(row.name)
    return [f"{case}, {' and '.join(of)}: {reason}" for (case, reason), of in names.items()]


def _difference(row: Row) -> str:
    if row.difference is None:
        return ""
    told = "other shape" if isinf(row.difference) else f"{row.difference:.1e}"
    return told if row.agrees else f"[bold red]{told} ≠[/]"


def _number(value: float) -> str:
    """Three digits, in plain notation."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _remarks(report: Report) -> list[str]:
    facts = report.facts
    load = "unknown" if facts["load"] is None else f"{facts['load']:.2f}"
    torch = facts["versions"]["torch"]
    lines = [f"{facts['device']}, threads: {facts['threads']}, torch {torch}, load at the start: {load}."]
    if (facts["load"] or 0) > BUSY:
        lines.append("The machine is busy with other work: trust the ratios, not the milliseconds.")
    rates = [row.rate / 1e9 for row in report.rows if row.rate]
    if rates:
        best = " and the ".join(facts["kernels"].values())
        reached = f"{min(rates):,.0f} to {max(rates):,.0f} GFLOP/s"
        lines.append(f"The floor: the FLOPs at the rate of the {best}, run in turn with the rest ({reached}).")
    if any(row.agrees is False for row in report.rows):
        lines.append("≠ does not compute the same function as the last row of its group: that ratio is no speed-up.")
    return lines
