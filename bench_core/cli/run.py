"""`bench run`: trains and evaluates methods."""

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
@section("Experiment")
@click.option("--plugins", type=completions.REQUESTS, help="NAME[:FORM][+TERM=WEIGHT][-TERM],...; all if left out.")
@click.option("--protocol", type=completions.PROTOCOL, default="quick", help="A named protocol or a TOML file.")
@click.option("--seeds", type=Listed(int), help="Training seeds; each method is trained once with each.")
@click.option(
    "--weights",
    type=completions.WEIGHTS,
    multiple=True,
    help="Weights from a file instead of training, for one method (repeatable).",
)
@click.option("--baselines/--no-baselines", default=True, help="Include the training-free baselines.")
@click.option("--strict-plugins", is_flag=True, help="Stop if a plugin is broken, instead of skipping it.")
@click.option("--out", type=click.Path(path_type=Path), default="results", help="Folder of the store.")
@section("Data")
@click.option("--image-set", type=completions.IMAGE_SET, help="Image set, instead of the protocol's.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the image set, or of any images.")
@click.option("--size", type=int, help="Height and width in pixels.")
@click.option("--train-masks", type=completions.MASK_SETS, help="Mask sets of the protocol to train with.")
@click.option("--test-masks", type=completions.MASK_SETS, help="Mask sets of the protocol to evaluate with.")
@click.option("--test-images", type=int, help="Number of test images, from the first.")
@click.option("--skip-bad-images", is_flag=True, help="Skip images that cannot be decoded.")
@click.option(
    "--image-cache", type=click.FloatRange(0), default=8.0, help="GiB of disk for decoded images; 0 disables."
)
@click.option(
    "--workers", type=click.IntRange(0), help="Processes to load images with; up to 8 with a GPU, else none by default."
)
@section("Training")
@click.option("--scale", type=OneOf(["paper", "nano"]), help="Networks as published, or narrow ones.")
@click.option("--steps", type=int, help="Training steps of each method.")
@click.option("--batch", type=int, help="Images in a training step.")
@click.option(
    "--add-loss",
    "added",
    type=completions.WEIGHTED_LOSS,
    multiple=True,
    help="Add a loss term to all methods (repeatable).",
)
@click.option("--drop-loss", "dropped", type=completions.LOSSES, default=(), help="Remove loss terms from all methods.")
@click.option(
    "--option",
    "options",
    type=completions.OPTION,
    multiple=True,
    help="Set an option of a method or loss term (repeatable).",
)
@click.option("--backbone", type=OneOf(["official", "random"]), help="Weights of networks in perceptual losses.")
@click.option(
    "--tracker",
    "trackers",
    type=completions.TRACKER,
    multiple=True,
    help="Log to tensorboard, mlflow or wandb, too (repeatable).",
)
@section("Evaluation")
@click.option("--metrics", type=completions.METRICS, help="Metrics to compute; see `bench metrics`.")
@click.option("--float-metrics", is_flag=True, help="Measure floats instead of 8-bit values.")
@click.option("--eval-batch", type=click.IntRange(1), default=8, help="Images to evaluate at a time.")
@click.option(
    "--predict-batch", type=click.IntRange(1), help="Images to predict at a time; --eval-batch with a GPU, else 1."
)
@SAMPLES
@section("System")
@click.option("--device", type=DEVICE, default="auto", help="Device to run on.")
@click.option(
    "--precision",
    type=OneOf(["32-true", "tf32", "bf16-mixed", "16-mixed"]),
    default="32-true",
    help="Numerical precision of networks; metrics always use 32 bits.",
)
@click.option("--compile", "compiled", is_flag=True, help="Compile generators with torch.compile; slow to start.")
@click.option("--bf16-backbones", is_flag=True, help="Compute VGG in bfloat16 in training losses; never in metrics.")
@click.option("--devices", type=click.IntRange(1), default=1, help="Number of devices to train each method on.")
@click.option("--nodes", type=click.IntRange(1), default=1, help="Number of nodes with --devices devices each.")
@click.option("--micro-batch", type=click.IntRange(1), help="Images to train with at a time on each device.")
@click.option(
    "--auto-micro-batch", is_flag=True, help="Halve the micro-batch on out-of-memory errors; batches stay the same."
)
@click.option("--sync-batchnorm", is_flag=True, help="Compute batch norm over all devices.")
@section("Executors")
@click.option(
    "--executor", type=completions.EXECUTOR, default="here", help="Run cells here, in local processes, or on ray."
)
@click.option("--jobs", type=click.IntRange(1), help="local: number of cells at a time; one for each GPU by default.")
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="local: maximum minutes of a cell.")
@click.option(
    "--address", help="ray: address of the cluster, or auto for the one on this machine; starts one if left out."
)
@click.option("--cell-gpus", type=click.FloatRange(0), help="ray: GPUs of each cell; 1 by default if available.")
@click.option("--cell-cpus", type=click.FloatRange(0), help="ray: CPU cores of each cell; 1 by default.")
@section("Options")
@JSON
@signals.handle_signals()
def run(as_json: bool, **options: Any) -> None:
    """Train and evaluate methods under one protocol.

    It prints and stores a table. If you repeat a command, only missing cells run.

    \b
    Examples:
      bench run --plugins ONE,OTHER
      bench run --plugins ONE,ONE-style,ONE+tv=0.5 --data my_photos --steps 1000
      bench run --plugins ONE:FORM --option ONE.NAME=VALUE --option TERM.NAME=VALUE
      bench run --plugins ONE --weights ONE=weights.safetensors --scale paper
    """
    from bench_core.experiment.options import RunOptions
    from bench_core.experiment.plan import plan
    from bench_core.system.devices import join_process_group
    from bench_core.system.progress import console

    given = RunOptions(**options)
    group = join_process_group(given.device, given.devices, given.nodes)
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
