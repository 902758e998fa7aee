"""`bench weights`: weights that others have published."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench_core.cli import completions
from bench_core.cli.help_sections import Group
from bench_core.cli.json_output import JSON, print_json

if TYPE_CHECKING:
    from bench_core.methods.convert_weights import ConvertedWeights

FILE = click.Path(path_type=Path)


@click.group(cls=Group)
def weights() -> None:
    """Take over weights that others have published.

    \b
    Examples:
      bench weights list
      bench weights import METHOD downloaded.pth
    """


@weights.command("import")
@click.argument("method", type=completions.METHOD)
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, help="The file to write; METHOD-LAYOUT.safetensors if left out.")
@click.option("--layout", help="What FILE was written by, where that is not plain; see the list.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def import_(method: str, file: Path, output: Path | None, layout: str | None, force: bool) -> None:
    """Turn published weights into a file for `run` and `inpaint`.

    FILE is a .pth, .pt, .ckpt or .safetensors, or a TensorFlow checkpoint: its prefix, its .index, or its folder.
    No code in it is run, and every tensor in it must be known.

    \b
    Examples:
      bench weights import METHOD downloaded.pth
      bench weights import METHOD downloaded.ckpt --layout LAYOUT -o weights.safetensors
    """
    from bench_core.methods.convert_weights import import_weights

    click.echo(_summary(method, import_weights(method, file, output, layout, force)))


@weights.command("list")
@JSON
def list_(as_json: bool) -> None:
    """List the layouts of published weights that are known.

    \b
    Examples:
      bench weights list
    """
    from bench_core.plugins import Plugins

    found = Plugins.all()
    models = [model for model in found.records("models").values() if not model.shares_weights_with]
    known = [(model.name, layout) for model in models for layout in model.checkpoints]
    if as_json:
        told = ("title", "source", "options")
        print_json(
            [{"method": of, "layout": each.name} | {key: getattr(each, key) for key in told} for of, each in known]
        )
        return
    for name, layout in known:
        click.echo(f"{name:18} {layout.name:18} {layout.title}\n{'':37} {layout.source}")
    if not known:
        click.echo("No installed method knows a layout of published weights.")


@weights.command()
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Print what a file of weights tells of itself, as JSON.

    \b
    Examples:
      bench weights show weights.safetensors
    """
    from bench_core.weights.weight_file import read_metadata

    print_json(read_metadata(file))


def _summary(method: str, imported: "ConvertedWeights") -> str:
    match, origin = imported.match, imported.facts["origin"]
    return "\n".join(
        [
            f"{origin['file']} has the layout {match.layout.name}: {match.layout.title} ({match.layout.source})",
            *(f"sha256 {digest}  {name}" for name, digest in origin["sha256"].items()),
            f"{len(match.used)} of its tensors make the generator's {len(match.state)}.",
            *(f"{count} dropped: {reason}" for reason, count in Counter(match.dropped.values()).items()),
            f"Wrote {imported.path}. Next:",
            f"  bench run --plugins {method} --weights {method}={imported.path} --scale paper",
            f"  bench inpaint --plugin {method} --weights {imported.path} photo.png mask.png -o filled.png",
        ]
    )
