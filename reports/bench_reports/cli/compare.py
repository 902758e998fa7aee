"""`bench compare`: paired statistics of two methods or two runs."""

from pathlib import Path

import click

from bench_core.cli import completions
from bench_core.cli.json_output import JSON, print_json
from bench_reports.cli.report import FORMAT, OUTPUT, emit_tables, require_single_format


@click.command()
@click.argument("a")
@click.argument("b")
@click.argument("runs", required=False, type=click.Path(path_type=Path))
@click.option("--metrics", type=completions.METRICS, default=(), help="Metrics to compare; all if left out.")
@FORMAT
@OUTPUT
@JSON
def compare(
    a: str, b: str, runs: Path | None, metrics: tuple[str, ...], format_: str, output: Path | None, as_json: bool
) -> None:
    """Compare two methods or two runs with paired statistics.

    A and B are two methods that were evaluated in RUNS (default: results), or the folders of two runs.

    \b
    Examples:
      bench compare telea navier_stokes results
      bench compare results/runs/ONE results/runs/OTHER --metrics psnr,lpips
      bench compare telea navier_stokes --json -o difference.json
    """
    from bench_core.plugins import Plugins
    from bench_core.store.store import read_runs
    from bench_reports.tables.differences import build
    from bench_reports.tables.pairing import pair_methods, pair_runs

    require_single_format(as_json, format_)
    plugins = Plugins.all()  # a plugin may bring a metric
    if runs is None and Path(a).is_dir() and Path(b).is_dir():
        pairings = [pair_runs([read_runs(Path(a)), read_runs(Path(b))], (a, b))]
    else:
        pairings = [[pairing] for pairing in pair_methods(*read_runs(runs or Path("results")), (a, b))]
    known = plugins.records("metrics")
    differences = [build(each, metrics, known) for each in pairings]
    if as_json:
        print_json([each.record() for each in differences], output)
    else:
        emit_tables(plugins, [each.table() for each in differences], format_, output)
