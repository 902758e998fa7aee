"""`bench metrics`: what every measure means, exactly."""

import textwrap

import click


@click.command()
def metrics() -> None:
    """Print the definition of every metric."""
    from bench_core.plugins import Plugins

    found = Plugins.find()
    found.load_all()
    for metric in found.records("metrics").values():
        click.echo(f"{metric.definition} (version {metric.version}, {metric.better} is better, per {metric.per})")
        click.echo(textwrap.indent(textwrap.fill(metric.text, 100), "    "))
