"""`bench run`: the main job."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core.cli import completions
from bench_core.cli.help_sections import Command, section
from bench_core.cli.json_output import JSON, print_json, stdout_to_stderr
from bench_core.cli.param_types import DEVICE, SAMPLES, Listed, OneOf
from bench_core.system import signals

if TYPE_CHECKING:
    from bench_core.experiment.plan import Plan


@click.command(cls=Command)
@section("Comparison")
@click.option("--plugins", type=completions.REQUESTS, help="NAME[:FORM][+TERM=WEIGHT][-TERM],...; all if left out.")
@click.option("--protocol", type=completions.PROTOCOL, default="quick", help="A named protocol or a TOML file.")
@click.option("--seeds", type=Listed(int), help="One training for each.")
@click.option(
    "--weights", type=completions.WEIGHTS, multiple=True, help="Weights from a file for a method, in place of training."
)
@click.option("--baselines/--no-baselines", default=True, help="Include the methods that learn nothing.")
@click.option("--strict-plugins", is_flag=True, help="Stop at a broken plugin instead of going on without it.")
@click.option("--out", type=click.Path(path_type=Path), default="results", help="The store.")
@section("Data")
@click.option("--image-set", type=completions.IMAGE_SET, help="Overrides the protocol's image set.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the image set, or of any images.")
@click.option("--size", type=int, help="Height and width in pixels.")
@click.option("--train-masks", type=completions.MASK_SETS, help="Which of the protocol's mask sets to train with.")
@click.option("--test-masks", type=completions.MASK_SETS, help="Which of the protocol's mask sets to judge with.")
@click.option("--test-images", type=int, help="Judge with the first so many test images only.")
@click.option("--skip-bad-images", is_flag=True, help="Leave out images that cannot be decoded.")
@click.option("--image-cache", type=click.FloatRange(0), default=8.0, help="GiB of images kept decoded; 0: none.")
@click.option("--workers", type=click.IntRange(0), default=0, help="Processes that load images.")
@section("Trainer")
@click.option("--scale", type=OneOf(["paper", "nano"]), help="The published networks, or narrow ones.")
@click.option("--steps", type=int, help="Training budget of each method.")
@click.option("--batch", type=int, help="Images a training step.")
@click.option(
    "--add-loss", "added", type=completions.WEIGHTED_LOSS, multiple=True, help="One more loss term (repeatable)."
)
@click.option("--drop-loss", "dropped", type=completions.LOSSES, default=(), help="Train without these loss terms.")
@click.option(
    "--option", "options", type=completions.OPTION, multiple=True, help="Of a method or loss term (repeatable)."
)
@click.option("--backbone", type=OneOf(["official", "random"]), help="Weights behind perceptual losses.")
@click.option(
    "--tracker",
    "trackers",
    type=completions.TRACKER,
    multiple=True,
    help="Also tell tensorboard, mlflow or wandb (repeatable).",
)
@section("Judging")
@click.option("--metrics", type=completions.METRICS, help="Which metrics to compute; see `bench metrics`.")
@click.option("--float-metrics", is_flag=True, help="Measure floats, not the 8 bits that a PNG would hold.")
@click.option("--eval-batch", type=click.IntRange(1), default=8, help="Images measured at a time.")
@SAMPLES
@section("RuntimeConfig")
@click.option("--device", type=DEVICE, default="auto", help="What computes.")
@click.option("--precision", type=OneOf(["32-true", "bf16-mixed", "16-mixed"]), default="32-true", help="Of numbers.")
@click.option("--compile", "compiled", is_flag=True, help="Let torch.compile make generators faster; slow to begin.")
@click.option("--devices", type=click.IntRange(1), default=1, help="Devices that share each method.")
@click.option("--nodes", type=click.IntRange(1), default=1, help="Machines that have so many.")
@click.option("--micro-batch", type=click.IntRange(1), help="Train with so many images at a time on each device.")
@click.option(
    "--auto-micro-batch", is_flag=True, help="Halve that where memory is too small; batches stay as they are."
)
@click.option("--sync-batchnorm", is_flag=True, help="Batch norm sees the images of all devices.")
@section("Executors")
@click.option("--executor", type=completions.EXECUTOR, default="here", help="Where cells run: here, local, ray.")
@click.option("--jobs", type=click.IntRange(1), help="local: cells at once; one for each GPU by default.")
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="local: minutes that a cell may take.")
@click.option("--address", help="ray: of the cluster; auto finds the one of this machine. Left out, one is started.")
@click.option("--cell-gpus", type=click.FloatRange(0), help="ray: GPUs of each cell; 1 by default if there are any.")
@click.option("--cell-cpus", type=click.FloatRange(0), help="ray: processor cores of each cell; 1 by default.")
@section("Options")
@JSON
@signals.handle_signals()
def run(as_json: bool, **options: Any) -> None:
    """Train and judge methods under one protocol.

    The table is printed and stored. Repeating a command does only what is missing.

    \b
    Examples:
      bench run --plugins ONE,OTHER
      bench run --plugins ONE,ONE-style,ONE+tv=0.5 --data my_photos --steps 1000
      bench run --plugins ONE:FORM --option ONE.NAME=VALUE --option TERM.NAME=VALUE
      bench run --plugins ONE --weights ONE=weights.safetensors --scale paper
    """
    from bench_core.experiment.options import RunOptions
    from bench_core.experiment.plan import plan
    from bench_core.system.devices import join
    from bench_core.system.progress import console

    given = RunOptions(**options)
    group = join(given.device, given.devices, given.nodes)
    console.quiet = not group.is_rank_zero
    with stdout_to_stderr(as_json):
        code, record = run_plan(group.rank_zero_first(lambda: plan(given, group)))
    if as_json and group.is_rank_zero:
        print_json(record)
    sys.exit(code if group.is_rank_zero else 0)


def run_plan(planned: "Plan") -> tuple[int, dict[str, Any]]:
    """Run what is missing, and store and print the tables; returns the exit code and the record for ``--json``."""
    from bench_core.cli.outcome import print_failures, publish
    from bench_core.system.allocator import tune_malloc

    tune_malloc()
    run, folder = planned.experiment.run()
    store, record = planned.experiment.context.store, {}
    if store.group.is_rank_zero:
        record = publish(planned.plugins, store, run, folder)
    return 2 if planned.broken else 1 if print_failures(store, run) else 0, record
