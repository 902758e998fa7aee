"""Tables that `bench perf` prints."""

from itertools import groupby
from math import isinf

from rich.markup import escape
from rich.table import Table

from bench_core.system.progress import open_console
from bench_perf.records import Report, Row

TITLES = {
    "forward": "Inference",
    "training": "Training step",
    "overhead": "Training step and a bare loop",
    "metrics": "Metrics",
    "masks": "Mask generation",
    "loading": "Image decoding and resizing",
    "startup": "Start-up",
}
COLUMNS = (
    "case",
    "candidate",
    "median ms",
    "quartiles",
    "per second",
    "speed-up",
    "x roofline",
    "peak MiB",
    "difference",
)
FILE_WIDTH = 140
"""Width of tables that are not printed on a terminal, in characters."""
BUSY_LOAD = 0.5
"""Load average above which the machine counts as busy."""


def show(report: Report) -> None:
    """Print a table for each part, followed by notes on how to read the numbers."""
    out = open_console()
    out.width = out.width if out.file.isatty() else FILE_WIDTH
    for part, group in groupby(report.rows, key=lambda row: row.part):
        rows = list(group)
        out.print(_table(TITLES[part], [row for row in rows if row.median]))
        for line in _failures(rows):
            out.print(f"[yellow]{escape(line)}[/]", soft_wrap=True)
    for line in _notes(report):
        out.print(escape(line), soft_wrap=True)


def _table(title: str, rows: list[Row]) -> Table:
    """Make a table of measured rows without its empty columns."""
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
    assert row.median and row.lower and row.upper, "failed rows have no cells"
    difference = ""
    if row.difference is not None:
        difference = "other shape" if isinf(row.difference) else f"{row.difference:.1e}"
        difference = difference if row.agrees else f"[bold red]{difference} ≠[/]"
    return [
        row.case,
        escape(row.name),
        _number(row.median * 1000),
        f"{_number(row.lower * 1000)} - {_number(row.upper * 1000)}",
        f"{_number(row.items / row.median)} {row.unit}",
        "" if row.ratio is None else f"{row.ratio:.2f}x",
        "" if row.floor is None else f"{row.floor:.2f}",
        "" if row.peak is None else f"{row.peak:.0f}",
        difference,
    ]


def _number(value: float) -> str:
    """Format with three digits, without an exponent."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _failures(rows: list[Row]) -> list[str]:
    """Explain missing measurements, one line per reason."""
    names: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        if row.median is None:
            names.setdefault((row.case, row.reason), []).append(row.name)
    return [f"{case}, {' and '.join(failed)}: {reason}" for (case, reason), failed in names.items()]


def _notes(report: Report) -> list[str]:
    metadata = report.metadata
    load = "unknown" if metadata["load"] is None else f"{metadata['load']:.2f}"
    torch = metadata["versions"]["torch"]
    lines = [f"{metadata['device']}, threads: {metadata['threads']}, torch {torch}, load at the start: {load}."]
    if (metadata["load"] or 0) > BUSY_LOAD:
        lines.append("The machine is busy with other work: trust the speed-ups, not the milliseconds.")
    rates = [row.rate / 1e9 for row in report.rows if row.rate]
    if rates:
        kernels = " and the ".join(metadata["kernels"].values())
        lines.append(
            f"x roofline: time divided by that of the same FLOPs in the {kernels}, "
            f"timed in alternation ({min(rates):,.0f} to {max(rates):,.0f} GFLOP/s)."
        )
    if any(row.agrees is False for row in report.rows):
        lines.append("≠: not the same function as the last row of the group, so the ratio is no speed-up.")
    return lines
