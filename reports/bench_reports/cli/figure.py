"""`bench figure`: figures for papers."""

from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench_core.cli.param_types import Listed, OneOf
from bench_core.errors import BadInput

if TYPE_CHECKING:
    from bench_reports.figures.source import Source

KINDS = ("grid", "curves", "losses", "buckets", "scatter", "ranks")


@click.command()
@click.argument("kind", type=OneOf(KINDS))
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="FILE.pdf, FILE.png or FILE.svg.")
@click.option("--metric", help="Metric to draw; default: the protocol's first.")
@click.option("--mask-set", help="Mask set to draw; default: the protocol's first; for grid: all.")
@click.option("--methods", type=Listed(), default=(), help="Only these; for losses: one.")
@click.option("--width", type=OneOf(["column", "page"]), help="3.25 or 6.75 inches.")
@click.option("--cost", metavar="NAME", help="For scatter: image, training or parameters.")
@click.option("--images", type=Listed(int), default=(), help="For grid: numbers of the images.")
@click.option("--zoom", is_flag=True, help="For grid: magnify the part with the largest error.")
def figure(kind: str, runs: Path, output: Path, metric: str | None, **options: object) -> None:
    """Plot stored results for a paper.

    RUNS is a folder that `bench run` wrote to, or one run in it.

    \b
    grid     ground truth, masked image and the output of every method
    curves   a metric over the training steps, with bands over seeds
    losses   the loss terms of one method over the training steps
    buckets  a metric against the hole ratio, with 95 % intervals
    scatter  a metric against time or parameters
    ranks    possible ranks of each method, and groups

    \b
    Examples:
      bench figure ranks results -o ranks.pdf
      bench figure buckets results --metric psnr --mask-set free-form -o buckets.pdf
      bench figure grid results --width page --zoom -o images.pdf
    """
    from bench_core.plugins import Plugins
    from bench_core.store.store import read_runs
    from bench_core.system import files
    from bench_reports.figures.output import FORMATS
    from bench_reports.figures.source import Source
    from bench_reports.tables.gaps import state_notes
    from bench_reports.tables.merging import merge_runs
    from bench_reports.tables.pairing import single_run

    store, stored = read_runs(runs)
    format_ = output.suffix.removeprefix(".").lower()
    if format_ not in FORMATS:
        raise BadInput(f"Figures are written as {', '.join(FORMATS)}, not as {format_!r}: end -o FILE in one of them.")
    run = single_run(merge_runs(store, stored), str(runs))
    source = Source(store, run, Plugins.all().records("metrics"))
    files.write_bytes(output, _draw(kind, source, format_, {"definition": metric, **options}))
    for note in state_notes(run):
        click.echo(note, err=True)


def _draw(kind: str, source: "Source", format_: str, options: dict[str, object]) -> bytes:
    """Draw one kind of figure with the options that are not empty, and return the bytes of its file."""
    from bench_core.specs import resolve
    from bench_reports.figures import save

    draw = resolve(f"bench_reports.figures.{kind}:draw")
    given = {name: value for name, value in options.items() if value}
    for name in given:
        if name not in signature(draw).parameters:
            option = name.replace("definition", "metric").replace("_", "-")
            raise BadInput(f"--{option} does not apply to {kind}.")
    return save(draw(source, **given), format_)
