"""`bench inpaint`: one method on one image."""

from pathlib import Path

import click

from bench_core.cli import completions
from bench_core.cli.param_types import DEVICE, OneOf

FILE = click.Path(path_type=Path)


@click.command()
@click.option("--plugin", type=completions.METHOD, required=True, help="Method to run.")
@click.option("--weights", type=FILE, help="A weights.safetensors of `bench run`; baselines need none.")
@click.argument("image", type=FILE)
@click.argument("mask", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, help="PNG file to write.")
@click.option(
    "--hole-color", "hole", type=OneOf(["white", "black"]), default="white", help="Colour of missing pixels in MASK."
)
@click.option("--sketch", type=FILE, help="White lines to follow in the hole, for guided methods.")
@click.option("--device", type=DEVICE, default="auto", help="Device to run on.")
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
    """Inpaint one image.

    IMAGE may have any size. MASK marks its missing pixels. Known pixels stay unchanged.

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
