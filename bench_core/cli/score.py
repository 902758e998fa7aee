"""`bench score`: pictures from any program, judged as methods are; and `bench export`, what such a program needs."""

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
    """The options of `bench run` that say under which rules."""
    return [option for option in run.params if option.name in RULES]


@click.command(cls=Command, params=_rules())
@section("Pictures")
@click.option("--pred", "predictions", multiple=True, required=True, help="Their pictures (repeat for samples).")
@click.option("--name", required=True, help="How the tables call the method.")
@click.option("--truth", help="Ground truths, in place of the protocol's own images.")
@click.option("--holes", help="Mask pictures, or a mask set's file, in place of the protocol's own holes.")
@click.option("--hole-color", "hole", type=OneOf(["white", "black"]), default="white", help="Missing side.")
@click.option("--threshold", type=click.IntRange(1, 255), default=128, help="White starts here.")
@click.option("--subset", is_flag=True, help="Judge the pictures that are there, though more truths are.")
@SAMPLES
@click.option("--out", type=FOLDER, default="results", help="The store.")
@click.option("--device", type=DEVICE, default="auto", help="What computes.")
@section("Options")
@JSON
def score(as_json: bool, **options: Any) -> None:
    """Judge pictures that another program painted.

    They are entered in the store's tables, and matched by name: with the files of --truth and --holes, or, without
    these, with the numbers under which `bench export` wrote the protocol's own pairs. Where names differ in a part,
    give paths such as out/{name}_a.png. Several --pred are samples of a method that draws; their mean counts, never
    the best.

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
@click.option("-o", "--output", type=FOLDER, required=True, help="A new folder.")
def export(output: Path, **options: Any) -> None:
    """Write a protocol's pairs as pictures, for other programs.

    They are images, holes and masked images, as PNG. What is painted of them is judged by `bench score`, under the same
    numbers: OUTPUT/MASK_SET/masked/000000.png becomes THEIRS/MASK_SET/000000.png. Holes are white.

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
