"""`bench score` evaluates images of any program; `bench export` writes its inputs."""

from pathlib import Path
from typing import Any

import click

from bench_core.cli.help_sections import Command, section
from bench_core.cli.json_output import JSON, print_json, stdout_to_stderr
from bench_core.cli.param_types import DEVICE, SAMPLES, OneOf
from bench_core.cli.run import run

FOLDER = click.Path(path_type=Path)
RULES = {
    "protocol", "image_set", "data", "size", "scale", "steps", "batch", "seeds", "test_masks", "train_masks",
    "test_images", "metrics", "float_metrics", "backbone", "skip_bad_images",
}  # fmt: skip


def _rules() -> list[click.Parameter]:
    """Return the options of `bench run` that define the protocol."""
    return [option for option in run.params if option.name in RULES]


@click.command(cls=Command, params=_rules())
@section("Images")
@click.option(
    "--pred", "predictions", multiple=True, required=True, help="Folder of predictions; repeat for further samples."
)
@click.option("--name", required=True, help="Name of the method in tables.")
@click.option("--truth", help="Folder of ground-truth images, instead of the protocol's.")
@click.option("--holes", help="Folder of masks or a mask set's file, instead of the protocol's.")
@click.option(
    "--hole-color",
    "hole",
    type=OneOf(["white", "black"]),
    default="white",
    help="Mask colour that marks missing pixels.",
)
@click.option("--threshold", type=click.IntRange(1, 255), default=128, help="Grey level from which a pixel is white.")
@click.option("--subset", is_flag=True, help="Evaluate existing predictions only, if some are missing.")
@SAMPLES
@click.option("--out", type=FOLDER, default="results", help="Folder of the store.")
@click.option("--device", type=DEVICE, default="auto", help="Device to run on.")
@section("Options")
@JSON
def score(as_json: bool, **options: Any) -> None:
    """Evaluate images produced by any program.

    The results join the tables of the store. Files are matched by name: with those of --truth and --holes, or with the
    files that `bench export` wrote. If names differ in a part, give paths such as out/{name}_a.png. Several --pred are
    samples of a stochastic method; tables show their mean.

    \b
    Examples:
      bench score --pred theirs --name Theirs --truth images --holes masks --hole-color black
      bench export --protocol quick -o pairs
      bench score --pred theirs --name Theirs --protocol quick
    """
    from bench_core.cli.outcome import publish
    from bench_core.errors import BadInput
    from bench_core.plugins import Plugins
    from bench_core.scoring.score import ScoreOptions
    from bench_core.scoring.score import score as evaluate
    from bench_core.store.store import read_runs
    from bench_core.system.allocator import tune_malloc

    given = ScoreOptions(**options)
    if bool(given.truth) != bool(given.holes):
        raise BadInput("--truth and --holes go together: give both, or neither for the protocol's own pairs.")
    tune_malloc()
    plugins = Plugins.find()
    with stdout_to_stderr(as_json):
        store, run, folder = evaluate(plugins, given)
        _, stored = read_runs(store.root)
        key = (run.protocol.hash, run.images)
        others = [each for each in stored if store.run_folder(each) != folder]
        alike = [each for each in others if (each.protocol.hash, each.images) == key]
        record = publish(plugins, store, run, folder, alike)
    if as_json:
        print_json(record)


@click.command(cls=Command, params=_rules())
@click.option("-o", "--output", type=FOLDER, required=True, help="Folder to create.")
def export(output: Path, **options: Any) -> None:
    """Export a protocol's test images and masks as PNG.

    It writes images, holes (white) and masked images. Save your results under the same names for `bench score`:
    the result for OUTPUT/MASK_SET/masked/000000.png is THEIRS/MASK_SET/000000.png.

    \b
    Examples:
      bench export --protocol quick -o pairs
    """
    from bench_core.experiment.options import ProtocolOptions
    from bench_core.experiment.plan import open_protocol
    from bench_core.plugins import Plugins
    from bench_core.scoring.export import export as write
    from bench_core.scoring.pairs_source import own

    plugins, given = Plugins.find(), ProtocolOptions(**options)
    write(own(plugins, open_protocol(plugins, given), given), output)
    click.echo(f"Wrote {output}.")
