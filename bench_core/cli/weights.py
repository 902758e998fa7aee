"""`bench weights`: published checkpoints."""

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
    """Convert published checkpoints.

    \b
    Examples:
      bench weights list
      bench weights import METHOD downloaded.pth
    """


@weights.command("import")
@click.argument("method", type=completions.METHOD)
@click.argument("file", type=FILE, nargs=-1, required=True)
@click.option("-o", "--output", type=FILE, help="File to write; METHOD-LAYOUT.safetensors if left out.")
@click.option("--layout", help="Layout of FILE, if several fit; see `bench weights list`.")
@click.option("--key", metavar="NAME", help="State dict in FILE, if it holds several, such as model_ema.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
def import_(
    method: str, file: tuple[Path, ...], output: Path | None, layout: str | None, key: str | None, force: bool
) -> None:
    """Convert a published checkpoint for `run` and `inpaint`.

    FILE is a .pth, .pt, .ckpt or .safetensors file, or a TensorFlow checkpoint: its prefix, .index file or folder.
    Give several files if the generator is published in parts. No code in a file is executed. Unknown tensors are an
    error.

    \b
    Examples:
      bench weights import METHOD downloaded.pth
      bench weights import METHOD downloaded.ckpt --layout LAYOUT -o weights.safetensors
      bench weights import METHOD encoder.pth decoder.pth
    """
    from bench_core.methods.convert_weights import import_weights

    click.echo(_summary(method, import_weights(method, file, output, layout, key, force)))


@weights.command("list")
@JSON
def list_(as_json: bool) -> None:
    """List the layouts of checkpoints that can be converted.

    \b
    Examples:
      bench weights list
    """
    from bench_core.plugins import Plugins

    found = Plugins.all()
    models = [model for model in found.records("models").values() if not model.shares_weights_with]
    known = [(model.name, layout) for model in models for layout in model.checkpoints]
    if as_json:
        fields = ("title", "source", "options")
        records = ({key: getattr(layout, key) for key in fields} for _, layout in known)
        print_json(
            [
                {"method": name, "layout": layout.name, **record}
                for (name, layout), record in zip(known, records, strict=True)
            ]
        )
        return
    for name, layout in known:
        click.echo(f"{name:18} {layout.name:18} {layout.title}\n{'':37} {layout.source}")
    if not known:
        click.echo("No installed method has a layout of published weights.")


@weights.command()
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Print the recorded facts of a weight file as JSON.

    \b
    Examples:
      bench weights show weights.safetensors
    """
    from bench_core.weights.weight_file import read_metadata

    print_json(read_metadata(file))


def _summary(method: str, converted: "ConvertedWeights") -> str:
    match, origin = converted.match, converted.facts["origin"]
    return "\n".join(
        [
            f"{origin['file']} has the layout {match.layout.name}: {match.layout.title} ({match.layout.source})",
            *(f"sha256 {digest}  {name}" for name, digest in origin["sha256"].items()),
            *([f"The state dict {origin['key']} was taken."] if origin["key"] else []),
            f"{len(match.used)} of its tensors were converted to the {len(match.state)} of the generator.",
            *(f"{count} ignored: {reason}" for reason, count in Counter(match.dropped.values()).items()),
            *(f"{count} left out: {name}" for name, count in match.left_out.items()),
            f"Wrote {converted.path}. Next:",
            f"  bench run --plugins {method} --weights {method}={converted.path} --scale paper",
            f"  bench inpaint --plugin {method} --weights {converted.path} photo.png mask.png -o filled.png",
        ]
    )
