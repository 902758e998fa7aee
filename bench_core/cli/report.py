"""`bench report`: tables from stored rows."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from bench_core.plugins import Plugins


FORMAT = click.option(
    "--format", "format_", default="terminal", show_default=True, metavar="NAME", help="terminal, csv, ..."
)
OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file, not the terminal.")


@click.command()
@click.argument("runs", type=click.Path(path_type=Path))
@FORMAT
@OUTPUT
def report(runs: Path, format_: str, output: Path | None) -> None:
    """Print the tables of RUNS: a folder that `bench run` wrote to, or one run in it. Needs no torch.

    \b
    Examples: bench report results
              bench report results --format latex -o table.tex
    """
    from bench_core.plugins import Plugins
    from bench_core.specs import resolve
    from bench_core.store import read_runs

    found = Plugins.find()
    store, stored = read_runs(runs)
    put(found, resolve("bench_reports.table:build")(store, stored, found.records("metrics")), format_, output)


def put(found: "Plugins", tables: Sequence[Any], format_: str, output: Path | None) -> None:
    """Print tables, or write them to a file, in one of the formats of `bench_reports`."""
    from rich.console import Console

    from bench_core import files
    from bench_core.errors import BadInput, unknown
    from bench_core.specs import resolve

    formats = found.records("reports")
    if format_ not in {*formats, "terminal"}:
        raise unknown("format", format_, {*formats, "terminal"})
    if format_ == "terminal":
        for table in tables:
            resolve("bench_reports.terminal:show")(table, Console())
        return
    contents = [resolve(formats[format_].write)(table) for table in tables]
    if formats[format_].binary and (output is None or len(contents) > 1):
        raise BadInput(f"{format_} needs -o FILE and a single table; here are {len(contents)}.")
    if output:
        files.write_bytes(output, b"\n".join(contents))
    else:
        click.echo(b"\n".join(contents), nl=False)
