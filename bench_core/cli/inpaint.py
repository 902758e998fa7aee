"""`bench inpaint`: one trained method on one picture."""

from pathlib import Path

import click

from bench_core.cli.values import DEVICE

FILE = click.Path(path_type=Path)


@click.command()
@click.option("--plugin", required=True, help="The method.")
@click.option("--weights", type=FILE, help="weights.safetensors of a cell; baselines need none.")
@click.argument("image", type=FILE)
@click.argument("mask", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The picture to write, as PNG.")
@click.option("--hole", type=click.Choice(["white", "black"]), default="white", show_default=True, help="Mask's hole.")
@click.option("--sketch", type=FILE, help="Lines (white) to follow in the hole, for guided methods.")
@click.option("--device", type=DEVICE, default="auto", show_default=True)
def inpaint(
    plugin: str,
    weights: Path | None,
    image: Path,
    mask: Path,
    output: Path,
    hole: str,
    sketch: Path | None,
    device: str,
) -> None:
    """Fill the hole that MASK marks in IMAGE, of any size, and write the composite.

    \b
    Example: bench inpaint --plugin METHOD --weights weights.safetensors photo.png mask.png -o filled.png
    """
    from bench_core.allocator import keep_memory
    from bench_core.painting import paint

    keep_memory()
    paint(plugin, weights, image, mask, output, hole, device, sketch)
    click.echo(f"Wrote {output}.")
