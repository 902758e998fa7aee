"""`bench inpaint`: one trained method on one picture."""

from pathlib import Path

import click

from bench_core.cli import completions
from bench_core.cli.param_types import DEVICE, OneOf

FILE = click.Path(path_type=Path)


@click.command()
@click.option("--plugin", type=completions.METHOD, required=True, help="The method.")
@click.option("--weights", type=FILE, help="weights.safetensors of a cell; baselines need none.")
@click.argument("image", type=FILE)
@click.argument("mask", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="The picture to write, as PNG.")
@click.option("--hole-color", "hole", type=OneOf(["white", "black"]), default="white", help="Mask's hole.")
@click.option("--sketch", type=FILE, help="Lines (white) to follow in the hole, for guided methods.")
@click.option("--device", type=DEVICE, default="auto", help="What computes.")
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
    """Fill the hole of one picture, of any size.

    MASK marks the hole of IMAGE; the composite is written.

    \b
    Examples:
      bench inpaint --plugin telea photo.png mask.png -o filled.png
      bench inpaint --plugin METHOD --weights weights.safetensors photo.png mask.png -o filled.png
    """
    from bench_core.methods.inpaint import inpaint as inpaint_file
    from bench_core.system.allocator import tune_malloc

    tune_malloc()
    inpaint_file(plugin, weights, image, mask, output, hole, device, sketch)
    click.echo(f"Wrote {output}.")
