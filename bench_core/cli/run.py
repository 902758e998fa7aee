"""`bench run`: the main job."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench_core import interruption
from bench_core.cli.values import DEVICE, Assigned, Listed, Weighted

if TYPE_CHECKING:
    from bench_core.planning import Plan

WORDS = Listed()


@click.command()
@click.option("--plugins", type=WORDS, help="Which methods: NAME[:FORM][+TERM=WEIGHT][-TERM],...; all if left out.")
@click.option("--protocol", default="quick", show_default=True, help="A named protocol or a TOML file.")
@click.option("--out", type=click.Path(path_type=Path), default="results", show_default=True, help="The store.")
@click.option("--image-set", help="Overrides the protocol's image set.")
@click.option("--data", type=click.Path(path_type=Path), help="Folder of the image set, or of any images.")
@click.option("--size", type=int, help="Height and width in pixels.")
@click.option("--scale", type=click.Choice(["paper", "nano"]), help="The published networks, or narrow ones.")
@click.option("--steps", type=int, help="Training budget of each method.")
@click.option("--batch", type=int, help="Images a training step.")
@click.option("--seeds", type=Listed(int), help="One training for each.")
@click.option("--test-masks", type=WORDS, help="Which of the protocol's mask sets to judge with.")
@click.option("--train-masks", type=WORDS, help="Which of the protocol's mask sets to train with.")
@click.option("--test-images", type=int, help="Judge with the first so many test images only.")
@click.option("--metrics", type=WORDS, help="Which metrics to compute; see `bench metrics`.")
@click.option("--float-metrics", is_flag=True, help="Measure floats, not the 8 bits that a PNG would hold.")
@click.option("--loss", "added", type=Weighted(), multiple=True, help="Train with one more loss term (repeatable).")
@click.option("--without", "dropped", type=WORDS, default=(), help="Train without these loss terms.")
@click.option("--option", "options", type=Assigned(), multiple=True, help="Change an option of a method or loss term.")
@click.option("--weights", type=Assigned(), multiple=True, help="Judge a method with these weights, untrained here.")
@click.option("--backbone", type=click.Choice(["official", "random"]), help="Weights behind perceptual losses.")
@click.option("--baselines/--no-baselines", default=True, help="Include the methods that learn nothing.")
@click.option("--strict-plugins", is_flag=True, help="Stop at a broken plugin instead of going on without it.")
@click.option("--skip-bad-images", is_flag=True, help="Leave out images that cannot be decoded.")
@click.option("--device", type=DEVICE, default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["32-true", "bf16-mixed", "16-mixed"]), default="32-true")
@click.option("--compile", "compiled", is_flag=True, help="Let torch.compile make generators faster; slow to begin.")
@click.option("--devices", type=click.IntRange(1), default=1, show_default=True, help="Devices that share each method.")
@click.option("--nodes", type=click.IntRange(1), default=1, show_default=True, help="Machines that have so many.")
@click.option("--micro-batch", type=click.IntRange(1), help="Train with so many images at a time on each device.")
@click.option("--auto-batch", is_flag=True, help="Halve that where memory is too small; batches stay as they are.")
@click.option("--sync-batchnorm", is_flag=True, help="Batch norm sees the images of all devices.")
@click.option("--eval-batch", type=click.IntRange(1), default=8, show_default=True, help="Images measured at a time.")
@click.option("--workers", type=click.IntRange(0), default=0, show_default=True, help="Processes that load images.")
@click.option("--keep-decoded", type=click.FloatRange(0), default=8.0, help="GiB of images kept decoded; 0: none.")
@click.option("--executor", default="here", show_default=True, help="Where cells run: here, local, ray.")
@click.option("--jobs", type=click.IntRange(1), help="local: cells at once; one for each GPU by default.")
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help="local: minutes that a cell may take.")
@click.option("--address", help="ray: of the cluster; auto finds the one of this machine. Left out, one is started.")
@click.option("--cell-gpus", type=click.FloatRange(0), help="ray: GPUs of each cell; 1 by default if there are any.")
@click.option("--cell-cpus", type=click.FloatRange(0), help="ray: processor cores of each cell; 1 by default.")
@click.option("--log", "trackers", multiple=True, help="Also tell tensorboard, mlflow or wandb (repeatable).")
@interruption.heeded()
def run(plugins: tuple[str, ...] | None, protocol: str, out: Path, **options: Any) -> None:
    """Train and judge methods under one protocol, and print the table.

    Repeating a command does only what is missing.

    \b
    Examples: bench run --plugins ONE,OTHER
              bench run --plugins ONE,ONE-style,ONE+tv=0.5 --data my_photos --steps 1000
              bench run --plugins ONE:FORM --option ONE.NAME=VALUE --option TERM.NAME=VALUE
              bench run --plugins ONE --weights ONE=weights.safetensors --scale paper
    """
    from bench_core.devices import join
    from bench_core.planning import plan
    from bench_core.progress import console

    ranks = join(options["device"], options["devices"], options["nodes"])
    console.quiet = not ranks.is_zero
    code = carry_out(ranks.in_turn(lambda: plan(plugins, protocol, out, options)))
    sys.exit(code if ranks.is_zero else 0)


def carry_out(planned: "Plan") -> int:
    """Run what is missing, store and print the tables; returns the command's exit code."""
    from bench_core.allocator import keep_memory

    keep_memory()
    run, folder = planned.comparison.run()
    from bench_core.results import publish, tell_failures

    store = planned.comparison.setup.store
    if planned.comparison.setup.ranks.is_zero:
        publish(planned.plugins, store, run, folder)
    return 2 if planned.broken else 1 if tell_failures(store, run) else 0
