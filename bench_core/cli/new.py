"""`bench new`: the beginnings of a plugin."""

from pathlib import Path

import click


@click.command()
@click.argument("name")
@click.option("--folder", type=click.Path(path_type=Path), default=".", show_default=True, help="Where NAME/ is made.")
def new(name: str, folder: Path) -> None:
    """Write the plugin NAME: a small method that trains, to be made yours.

    \b
    Example: bench new my_method
    """
    from bench_core.scaffold import write_plugin

    target = write_plugin(name, folder)
    click.echo(f"Wrote {target}, a method that works. Next:")
    click.echo(f"  pip install -e {target}\n  bench check {name}\n  bench run --plugins {name}")
