"""`bench metrics`: exact definitions of all metrics."""

import textwrap

import click

from bench_core.cli.json_output import JSON, print_json

# fmt: off
FIELDS = (
    "definition", "name", "title", "text", "origin", "version", "better", "bounds", "per", "region", "source",
    "quantised", "weights", "fewest_images", "digits",
)
# fmt: on


@click.command()
@JSON
def metrics(as_json: bool) -> None:
    """Print the definition of every metric.

    Append `-raw` to measure the raw prediction instead of the composite, and `-float` to measure floats instead of
    8-bit values. The width in `@ring8` can be any number.

    \b
    Examples:
      bench metrics
      bench run --plugins ONE --metrics psnr,ssim@skimage,l1@ring4,l1@known-raw
    """
    from bench_core.plugins import Plugins

    found = Plugins.all()
    known = found.records("metrics").values()
    if as_json:
        print_json([{name: getattr(metric, name) for name in FIELDS} for metric in known])
        return
    for metric in known:
        values = "8-bit values" if metric.quantised else "floats"
        facts = f"version {metric.version}, {metric.better} is better, per {metric.per}, of {values}"
        click.echo(f"{metric.definition} ({facts})")
        text = f"{metric.text} ({metric.origin})" if metric.origin else metric.text
        click.echo(textwrap.indent(textwrap.fill(text, 100), "    "))
