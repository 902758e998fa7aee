"""`bench report`: tables of stored results."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core.cli import completions
from bench_core.cli.json_output import JSON, print_json
from bench_core.cli.param_types import OneOf
from bench_core.errors import BadInput, unknown

if TYPE_CHECKING:
    from bench_core.plugins import Plugins


FORMAT = click.option(
    "--format",
    "format_",
    type=completions.FORMAT,
    default="terminal",
    help="Table format: terminal, csv, latex, html, ...",
)
OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write, instead of the terminal.")


@click.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--by", type=OneOf(["hole_ratio"]), help="Split rows by hole ratio, in steps of 0.1.")
@click.option("--statistics", is_flag=True, help="Show confidence intervals, possible ranks and groups.")
@click.option("--against", type=OneOf(["published"]), help="Show the numbers of papers beside the measured ones.")
@FORMAT
@OUTPUT
@JSON
def report(
    runs: Path, by: str | None, statistics: bool, against: str | None, format_: str, output: Path | None, as_json: bool
) -> None:
    """Print result tables (terminal, CSV, LaTeX, HTML).

    RUNS is a folder that `bench run` wrote to, or one run in it.

    \b
    Examples:
      bench report results
      bench report results --by hole_ratio
      bench report results --format latex -o table.tex
      bench report results --format html -o site
    """
    from bench_core.plugins import Plugins
    from bench_core.store.store import read_runs
    from bench_reports.formats.data import record
    from bench_reports.papers import published_claims
    from bench_reports.tables import by_hole_ratio, table, with_intervals

    if sum(map(bool, (by, statistics, against))) > 1:
        raise BadInput("Give one of --by, --statistics and --against: each is a table of its own.")
    require_single_format(as_json, format_)
    found = Plugins.all()  # a plugin may bring a metric or a format
    known, (store, stored) = found.records("metrics"), read_runs(runs)
    site = _site(found, format_, output)
    if site and (by or statistics or against):
        raise BadInput(f"A site holds every table: leave out --by, --statistics, --against, or give -o {output}.html.")
    if site:
        site(output, store, stored, found)
        return
    if against:
        tables = published_claims.build(store, stored, known, *_papers(found))
    else:
        kind = by_hole_ratio if by else with_intervals if statistics else table
        tables = kind.build(store, stored, known)
    if as_json:
        print_json([record(each) for each in tables], output)
    else:
        emit_tables(found, tables, format_, output)


def _site(found: "Plugins", format_: str, output: Path | None) -> Callable[..., None] | None:
    """What writes a site in this format, if the output is no file of it."""
    from bench_core.specs import resolve

    record = found.records("reports").get(format_)
    return resolve(record.site) if record and record.site and output and output.suffix != record.suffix else None


def _papers(found: "Plugins") -> tuple[list[Any], dict[str, Any]]:
    """The tables of papers with published numbers, and the protocols under which they are measured anew."""
    from bench_core.paper_table import read
    from bench_core.protocol import load

    papers = [paper for paper in map(read, found.records("paper_tables").values()) if paper.published]
    brought = found.records("protocols").values()
    return papers, {name: load(name, brought) for paper in papers for name in paper.protocols}


def require_single_format(as_json: bool, format_: str) -> None:
    if as_json and format_ != "terminal":
        raise BadInput(f"--json and --format {format_} are two formats: give one.")


def emit_tables(found: "Plugins", tables: Sequence[Any], format_: str, output: Path | None) -> None:
    """Print tables, or write them to a file, in one of the formats of `bench_reports`."""
    from bench_core.specs import resolve
    from bench_core.system import files
    from bench_core.system.terminal import console
    from bench_reports.formats.terminal import show

    formats = found.records("reports")
    if format_ not in {*formats, "terminal"}:
        raise unknown("format", format_, {*formats, "terminal"})
    if format_ == "terminal":
        for table in tables:
            show(table, console())
        return
    contents = [resolve(formats[format_].write)(table) for table in tables]
    if formats[format_].binary and (output is None or len(contents) > 1):
        raise BadInput(f"{format_} needs -o FILE and a single table; here are {len(contents)}.")
    if output:
        files.write_bytes(output, b"\n".join(contents))
    else:
        click.echo(b"\n".join(contents), nl=False)
