"""`bench check`: whether a method keeps to the rules."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench_core.cli import completions
from bench_core.cli.json_output import JSON, print_json, stdout_to_stderr
from bench_core.cli.param_types import DEVICE, OneOf

if TYPE_CHECKING:
    from bench_core.conformance import ConformanceReport

STYLES = {"pass": "green", "fail": "bold red", "skip": "dim", "told": "yellow"}


@click.command()
@click.argument("method", type=completions.METHOD)
@click.option("--weights", type=click.Path(path_type=Path), help="weights.safetensors; random weights if left out.")
@click.option("--scale", type=OneOf(["nano", "paper"]), help="That of the weights, or nano, if left out.")
@click.option("--device", type=DEVICE, default="cpu", help="What computes.")
@JSON
def check(method: str, weights: Path | None, scale: str | None, device: str, as_json: bool) -> None:
    """Print a method's report card: which rules it keeps.

    Does it see hidden pixels, depend on its neighbours in a batch, ...? The exit code is 1 if a rule is broken.

    \b
    Examples:
      bench check telea
      bench check METHOD:FORM --weights weights.safetensors --json
    """
    from bench_core.conformance import check as tried
    from bench_core.system.allocator import tune_malloc

    tune_malloc()
    with stdout_to_stderr(as_json):
        card = tried(method, weights, scale, device)
    if as_json:
        print_json(card.as_dict())
    else:
        _show(card)
    sys.exit(0 if card.passed else 1)


def _show(card: "ConformanceReport") -> None:
    from rich.markup import escape
    from rich.table import Table

    from bench_core.system.progress import open_console

    table = Table("rule", "", "what was found", title=f"{card.method}, scale {card.scale}, {card.weights}")
    for finding in card.findings:
        style = STYLES[finding.state]
        table.add_row(finding.rule, f"[{style}]{finding.state}[/]", escape(finding.told))
    open_console().print(table)
    click.echo("Every rule is kept." if card.passed else f"Broken: {', '.join(card.broken)}.")
