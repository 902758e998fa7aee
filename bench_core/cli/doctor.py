"""`bench doctor`: what this machine offers, and what costs speed."""

from pathlib import Path

import click


@click.command()
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default="results", show_default=True)
def doctor(out: Path) -> None:
    """Tell versions, plugins, devices, threads, allocator, weights and free space, and what should be changed.

    Nothing is changed or downloaded.

    \b
    Example: bench doctor --out results
    """
    from bench_core.diagnosis import examine

    facts = list(examine(out))
    above = ""
    for fact in facts:
        click.echo(f"{fact.subject if fact.subject != above else '':12} {fact.told}")
        above = fact.subject
    advice = [fact for fact in facts if fact.advice]
    click.echo("\nNothing to change." if not advice else "\nTo change:")
    for fact in advice:
        click.echo(f"  {fact.subject}: {fact.advice}")
