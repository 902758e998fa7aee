"""`bench metrics`: what every measure means, exactly."""

import textwrap

import click

from bench_core.cli.json_output import JSON, print_json

# fmt: off
TOLD = (
    "definition", "name", "title", "text", "origin", "version", "better", "bounds", "per", "region", "source",
    "quantised", "weights", "fewest_images", "digits",
)
# fmt: on


@click.command()
@JSON
def metrics(as_json: bool) -> None:
    """Print the definition of every metric.

    Behind a definition, `-raw` means the method's whole canvas in place of the composite, and `-float` unrounded values
    in place of 8-bit ones; `@ring8` may have any width.

    \b
    Examples:
      bench metrics
      bench run --plugins ONE --metrics psnr,ssim@lama,l1@ring4,l1@known-raw
    """
    from bench_core.plugins import Plugins

    found = Plugins.all()
    known = found.records("metrics").values()
    if as_json:
        print_json([{name: getattr(metric, name) for name in TOLD} for metric in known])
        return
    for metric in known:
        seen = "8-bit pictures" if metric.quantised else "floats"
        facts = f"version {metric.version}, {metric.better} is better, per {metric.per}, of {seen}"
        click.echo(f"{metric.definition} ({facts})")
        text = f"{metric.text} ({metric.origin})" if metric.origin else metric.text
        click.echo(textwrap.indent(textwrap.fill(text, 100), "    "))
