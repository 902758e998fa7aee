"""`bench check`: whether a method keeps to the rules."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench_core.cli.values import DEVICE

if TYPE_CHECKING:
    from bench_core.conformance import Card

STYLES = {"pass": "green", "fail": "bold red", "skip": "dim", "told": "yellow"}


@click.command()
@click.argument("method")
@click.option("--weights", type=click.Path(path_type=Path), help="weights.safetensors; random weights if left out.")
@click.option("--scale", type=click.Choice(["nano", "paper"]), help="That of the weights, or nano, if left out.")
@click.option("--json", "as_json", is_flag=True, help="Print the report card as JSON.")
@click.option("--device", type=DEVICE, default="cpu", show_default=True)
def check(method: str, weights: Path | None, scale: str | None, as_json: bool, device: str) -> None:
    """Print METHOD's report card: does it see hidden pixels, depend on its neighbours in a batch, ...?

    The exit code is 1 if a rule is broken.

    \b
    Examples: bench check telea
              bench check METHOD:FORM --weights weights.safetensors --json
    """
    from bench_core.allocator import keep_memory
    from bench_core.conformance import check as tried

    keep_memory()
    card = tried(method, weights, scale, device)
    if as_json:
        click.echo(json.dumps(card.as_dict(), indent=1, ensure_ascii=False))
    else:
        _show(card)
    sys.exit(0 if card.passed else 1)


def _show(card: "Card") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("rule", "", "what was found", title=f"{card.method}, scale {card.scale}, {card.weights}")
    for finding in card.findings:
        style = STYLES[finding.state]
        table.add_row(finding.rule, f"[{style}]{finding.state}[/]", escape(finding.told))
    Console(highlight=False).print(table)
    click.echo("Every rule is kept." if card.passed else f"Broken: {', '.join(card.broken)}.")
