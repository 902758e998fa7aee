"""`bench figure`: plots of stored results."""

from pathlib import Path

import click

from bench_core.cli.param_types import Listed, OneOf

KINDS = ("grid", "curves", "losses", "buckets", "scatter", "ranks")


@click.command()
@click.argument("kind", type=OneOf(KINDS))
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="FILE.pdf, FILE.png or FILE.svg.")
@click.option("--metric", help="Metric; the protocol's first if left out.")
@click.option("--mask-set", help="Mask set; the protocol's first if left out, or all for grid.")
@click.option("--methods", type=Listed(), default=(), help="Methods to plot; one for losses, else all if left out.")
@click.option("--width", type=OneOf(["column", "page"]), help="Width of a column (3.25 inches) or page (6.75 inches).")
@click.option("--cost", metavar="NAME", help="For scatter: image, training or parameters.")
@click.option("--images", type=Listed(int), default=(), help="For grid: indexes of the images.")
@click.option("--zoom", is_flag=True, help="For grid: magnify the part with the largest errors.")
def figure(kind: str, runs: Path, output: Path, metric: str | None, **options: object) -> None:
    """Plot stored results for a paper.

    RUNS is a folder that `bench run` wrote to, or one run in it.

    \b
    grid     images: ground truth, masked image and results of all methods
    curves   a metric over training steps, with bands over seeds
    losses   loss terms of one method over training steps
    buckets  a metric against the hole ratio, with 95 % intervals
    scatter  a metric against seconds or parameters
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
    from bench_reports.figures.select import asked

    store, stored = read_runs(runs)
    known, format_ = Plugins.all().records("metrics"), output.suffix.removeprefix(".").lower()
    files.write_bytes(output, asked(kind, store, stored, known, format_, {"definition": metric, **options}))
