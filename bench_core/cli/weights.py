"""`bench weights`: weights that others have published."""

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from bench_core.importing import Imported

FILE = click.Path(path_type=Path)


@click.group()
def weights() -> None:
    """Bring in weights that others have published."""


@weights.command("import")
@click.argument("method")
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, help="The file to write; METHOD-LAYOUT.safetensors if left out.")
@click.option("--layout", default="", help="What FILE was written by, where that is not plain; see the list.")
@click.option("--force", is_flag=True, help="Write over an existing file.")
def import_(method: str, file: Path, output: Path | None, layout: str, force: bool) -> None:
    """Turn FILE, published weights of METHOD, into a file of weights for `run` and `inpaint`.

    FILE is a .pth, .pt, .ckpt or .safetensors, or a TensorFlow checkpoint: its prefix, its .index, or its folder.
    No code in it is run, and every tensor in it must be known.

    \b
    Example: bench weights import METHOD downloaded.pth
    """
    from bench_core.importing import import_weights

    click.echo(_summary(method, import_weights(method, file, output, layout, force)))


@weights.command("list")
def list_() -> None:
    """List the layouts of published weights that the installed methods know.

    \b
    Example: bench weights list
    """
    from bench_core.plugins import Plugins

    found = Plugins.find()
    found.load_all()
    models = [model for model in found.records("models").values() if not model.trained_as]
    known = [(model.name, layout) for model in models for layout in model.checkpoints]
    for name, layout in known:
        click.echo(f"{name:18} {layout.name:18} {layout.title}\n{'':37} {layout.source}")
    if not known:
        click.echo("No installed method knows a layout of published weights.")


@weights.command()
@click.argument("file", type=FILE)
def show(file: Path) -> None:
    """Print what FILE, written by `run` or `import`, tells about itself.

    \b
    Example: bench weights show weights.safetensors
    """
    from bench_core.checkpoints import weights_facts

    click.echo(json.dumps(weights_facts(file), indent=1, ensure_ascii=False))


def _summary(method: str, imported: "Imported") -> str:
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
