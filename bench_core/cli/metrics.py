"""`bench metrics`: what every measure means, exactly."""

import textwrap

import click


@click.command()
def metrics() -> None:
    """Print the definition of every metric.

    Behind a definition, `-raw` means the method's whole canvas in place of the composite, and `-float` unrounded values
    in place of 8-bit ones; `@ring8` may have any width.

    \b
    Example: bench run --plugins ONE --metrics psnr,ssim@lama,l1@ring4,l1@known-raw
    """
    from bench_core.plugins import Plugins

    found = Plugins.find()
    found.load_all()
    for metric in found.records("metrics").values():
        seen = "8-bit pictures" if metric.quantised else "floats"
        facts = f"version {metric.version}, {metric.better} is better, per {metric.per}, of {seen}"
        click.echo(f"{metric.definition} ({facts})")
        text = f"{metric.text} ({metric.origin})" if metric.origin else metric.text
        click.echo(textwrap.indent(textwrap.fill(text, 100), "    "))
