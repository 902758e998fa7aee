"""`bench report`: tables and result pages from stored rows."""

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


NUMBERS_ONLY = ("csv", "parquet")
"""Formats without room for titles and notes, which are printed to the standard error instead."""
FORMAT = click.option("--format", "format_", type=completions.FORMAT, default="terminal", help="terminal, csv, ...")
OUTPUT = click.option("-o", "--output", type=click.Path(path_type=Path), help="Write to this file.")


@click.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--by", type=OneOf(["hole_ratio"]), help="One block of rows for each range of hole ratios.")
@click.option("--statistics", is_flag=True, help="Every mean with its interval, possible ranks and group.")
@click.option("--against", type=OneOf(["published"]), help="Published numbers beside measured ones.")
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
        raise BadInput("Give only one of --by, --statistics and --against: each makes another table.")
    require_single_format(as_json, format_)
    plugins = Plugins.all()  # a plugin may bring a metric or a format
    known, (store, stored) = plugins.records("metrics"), read_runs(runs)
    write_site = _site_writer(plugins, format_, output)
    if write_site and (by or statistics or against):
        raise BadInput(f"A site holds every table: omit --by, --statistics and --against, or give -o {output}.html.")
    if write_site:
        write_site(output, store, stored, plugins)
        return
    if against:
        tables = published_claims.build(store, stored, known, *_papers(plugins))
    else:
        kind = by_hole_ratio if by else with_intervals if statistics else table
        tables = kind.build(store, stored, known)
    if as_json:
        print_json([record(each) for each in tables], output)
    else:
        emit_tables(plugins, tables, format_, output)


def _site_writer(plugins: "Plugins", format_: str, output: Path | None) -> Callable[..., None] | None:
    """Return the function that writes a site; None if the format has none or the output is a single file."""
    from bench_core.specs import resolve

    report_ = plugins.records("reports").get(format_)
    return resolve(report_.site) if report_ and report_.site and output and output.suffix != report_.suffix else None


def _papers(plugins: "Plugins") -> tuple[list[Any], dict[str, Any]]:
    """Load the papers' tables that have published numbers, and their protocols by name."""
    from bench_core.paper_table import read
    from bench_core.protocol import load

    papers = [paper for paper in map(read, plugins.records("paper_tables").values()) if paper.published]
    files = plugins.records("protocols").values()
    return papers, {name: load(name, files) for paper in papers for name in paper.protocols}


def require_single_format(as_json: bool, format_: str) -> None:
    """Raise BadInput if --json is combined with another format."""
    if as_json and format_ != "terminal":
        raise BadInput(f"--json and --format {format_} are two formats: give one.")


def emit_tables(plugins: "Plugins", tables: Sequence[Any], format_: str, output: Path | None) -> None:
    """Print tables, or write them to a file, in any installed format.

    Raises:
        BadInput: the format is unknown, or is binary and cannot be printed or hold several tables.
    """
    from bench_core.specs import resolve
    from bench_core.system import files
    from bench_core.system.progress import open_console
    from bench_reports.formats.terminal import show

    formats = plugins.records("reports")
    if format_ not in {*formats, "terminal"}:
        raise unknown("format", format_, {*formats, "terminal"})
    if format_ == "terminal":
        for table in tables:
            show(table, open_console())
        return
    if format_ in NUMBERS_ONLY:
        for table in tables:
            click.echo("\n".join([table.title, *table.notes]), err=True)
    contents = [resolve(formats[format_].write)(table) for table in tables]
    if formats[format_].binary and (output is None or len(contents) > 1):
        raise BadInput(f"{format_} needs -o FILE and a single table; here are {len(contents)}.")
    if output:
        files.write_bytes(output, b"\n".join(contents))
    else:
        click.echo(b"\n".join(contents), nl=False)
