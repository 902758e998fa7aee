"""`bench doctor`: what this machine offers, and what costs speed."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench_core.diagnosis import Fact


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default="results", show_default=True)
@click.option("--store", type=click.Path(path_type=Path, file_okay=False), help="Verify what this store holds instead.")
def doctor(out: Path, store: Path | None) -> None:
    """Tell versions, plugins, devices, threads, allocator, weights and free space, and what should be changed.

    Nothing is changed or downloaded. With --store every file of a store is read, and the exit code is 1 if one is
    damaged, rows are missing, or something was left behind.

    \b
    Examples: bench doctor --out results
              bench doctor --store results
    """
    if store:
        from bench_core.verification import verify

        sys.exit(1 if _tell(list(verify(store))) else 0)
    from bench_core.diagnosis import examine

    _tell(list(examine(out)))


def _tell(facts: "list[Fact]") -> int:
    """Print all facts and what to change; returns how many changes are due."""
    above = ""
    for fact in facts:
        click.echo(f"{fact.subject if fact.subject != above else '':12} {fact.told}")
        above = fact.subject
    advice = [fact for fact in facts if fact.advice]
    click.echo("\nNothing to change." if not advice else "\nTo change:")
    for fact in advice:
        click.echo(f"  {fact.subject}: {fact.advice}")
    return len(advice)
