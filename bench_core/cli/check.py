"""`bench check`: conformance checks of a method."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench_core.cli import completions
from bench_core.cli.json_output import JSON, print_json, stdout_to_stderr
from bench_core.cli.param_types import DEVICE, OneOf

if TYPE_CHECKING:
    from bench_core.conformance import ConformanceReport

STYLES = {"pass": "green", "note": "yellow", "skip": "dim", "fail": "bold red"}


@click.command()
@click.argument("method", type=completions.METHOD)
@click.option("--weights", type=click.Path(path_type=Path), help="A weights.safetensors; random weights if left out.")
@click.option("--scale", type=OneOf(["nano", "paper"]), help="Scale of the weights, or nano, if left out.")
@click.option("--device", type=DEVICE, default="cpu", help="Device to run on.")
@JSON
def check(method: str, weights: Path | None, scale: str | None, device: str, as_json: bool) -> None:
    """Run the conformance checks on a method.

    They find leakage of hidden pixels, inverted masks, batch dependence and more. The exit code is 1 if a check fails.

    \b
    Examples:
      bench check telea
      bench check METHOD:FORM --weights weights.safetensors --json
    """
    from bench_core.conformance import check as run_checks
    from bench_core.system.allocator import tune_malloc

    tune_malloc()
    with stdout_to_stderr(as_json):
        report = run_checks(method, weights, scale, device)
    if as_json:
        print_json(report.as_dict())
    else:
        _show(report)
    sys.exit(0 if report.passed else 1)


def _show(report: "ConformanceReport") -> None:
    from rich.markup import escape
    from rich.table import Table

    from bench_core.system.progress import open_console

    table = Table("rule", "", "note", title=f"{report.method}, scale {report.scale}, {report.weights}")
    for finding in report.findings:
        style = STYLES[finding.state]
        table.add_row(finding.rule, f"[{style}]{finding.state}[/]", escape(finding.note))
    open_console().print(table)
    click.echo("All checks passed." if report.passed else f"Failed: {', '.join(report.broken)}.")
