"""`bench new`: the beginnings of a plugin."""

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), default=".", help="Where NAME/ is made.")
def new(name: str, folder: Path) -> None:
    """Write a new plugin: a small method that trains.

    \b
    Examples:
      bench new my_method
      bench new my_method --folder ~/plugins
    """
    from bench_core.cli.scaffold import write_plugin

    target = write_plugin(name, folder)
    click.echo(f"Wrote {target}, a method that works. Next:")
    click.echo(f"  pip install -e {target}\n  bench check {name}\n  bench run --plugins {name}")
