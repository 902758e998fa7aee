"""`bench compare`: which of two is better, and how sure that is."""

import json
from pathlib import Path

import click

from bench_core.cli.report import FORMAT, OUTPUT, put
from bench_core.cli.values import Listed
from bench_core.errors import BadInput


@click.command()
@click.argument("a")
@click.argument("b")
@click.argument("runs", required=False, type=click.Path(path_type=Path))
@click.option("--metrics", type=Listed(), default=(), help="Only these; a bare name means its default definition.")
@click.option("--json", "as_json", is_flag=True, help="Print numbers for programs.")
@FORMAT
@OUTPUT
def compare(
    a: str, b: str, runs: Path | None, metrics: tuple[str, ...], as_json: bool, format_: str, output: Path | None
) -> None:
    """Compare two methods, A and B, of RUNS (results, if not given), or two runs by their folders, pair by pair.

    \b
    Examples: bench compare telea navier_stokes results
              bench compare results/runs/ONE results/runs/OTHER --metrics psnr,lpips
    """
    from bench_core import files
    from bench_core.plugins import Plugins
    from bench_core.specs import resolve
    from bench_core.store import read_runs

    if as_json and format_ != "terminal":
        raise BadInput(f"--json and --format {format_} are two formats: give one.")
    found = Plugins.find()
    found.load_all()  # a plugin may bring a metric
    if runs is None and Path(a).is_dir() and Path(b).is_dir():
        together = [resolve("bench_reports.sides:of_runs")([read_runs(Path(a)), read_runs(Path(b))], (a, b))]
    else:
        sides = resolve("bench_reports.sides:of_methods")(*read_runs(runs or Path("results")), (a, b))
        together = [[each] for each in sides]
    build, known = resolve("bench_reports.differences:build"), found.records("metrics")
    compared = [build(sides, metrics, known) for sides in together]
    if not as_json:
        put(found, [each.table() for each in compared], format_, output)
        return
    text = json.dumps([each.record() for each in compared], indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if output:
        files.write_bytes(output, text.encode())
    else:
        click.echo(text, nl=False)
