"""`bench figure`: figures for papers, from stored rows."""

from pathlib import Path

import click

from bench_core.cli.param_types import Listed, OneOf

KINDS = ("grid", "curves", "losses", "buckets", "scatter", "ranks")


@click.command()
@click.argument("kind", type=OneOf(KINDS))
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="FILE.pdf, FILE.png or FILE.svg.")
@click.option("--metric", help="Which metric; the protocol's first, if not given.")
@click.option("--mask-set", help="Which mask set; the protocol's first, if not given; for grid, all.")
@click.option("--methods", type=Listed(), default=(), help="Only these; for losses, one.")
@click.option("--width", type=OneOf(["column", "page"]), help="3.25 or 6.75 inches.")
@click.option("--cost", metavar="NAME", help="For scatter: image, training or parameters.")
@click.option("--images", type=Listed(int), default=(), help="For grid: numbers of the images.")
@click.option("--zoom", is_flag=True, help="For grid: magnify the part where methods are farthest from the truth.")
def figure(kind: str, runs: Path, output: Path, metric: str | None, **options: object) -> None:
    """Draw a figure of stored rows, for a paper.

    RUNS is a folder that `bench run` wrote to, or one run in it. Needs no torch.

    \b
    grid     pictures: truth, masked image and what every method painted
    curves   a metric over the steps of the training, with bands over seeds
    losses   the loss terms of one method over the steps
    buckets  a metric against the hole ratio, with 95 % intervals
    scatter  a metric against seconds or parameters
    ranks    which ranks are possible for each method, and groups

    \b
    Examples:
      bench figure ranks results -o ranks.pdf
      bench figure buckets results --metric psnr --mask-set free-form -o buckets.pdf
      bench figure grid results --width page --zoom -o pictures.pdf
    """
    from bench_core.plugins import Plugins
    from bench_core.store.store import read_runs
    from bench_core.system import files
    from bench_reports.figures.select import asked

    store, stored = read_runs(runs)
    known, format_ = Plugins.all().records("metrics"), output.suffix.removeprefix(".").lower()
    files.write_bytes(output, asked(kind, store, stored, known, format_, {"definition": metric, **options}))
