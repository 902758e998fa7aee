"""`bench cost`: what a larger comparison would take."""

from pathlib import Path

import click

from bench_core.errors import BadInput


@click.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(0), required=True, help="Training steps of each method.")
@click.option("--images", type=click.IntRange(1), required=True, help="Test images under each mask set.")
@click.option("--mask-sets", type=click.IntRange(1), default=1, show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=1, show_default=True, help="Trainings of each method.")
@click.option("--methods", type=click.IntRange(1), help="So many that learn, as dear as those of RUNS on average.")
def cost(runs: Path, steps: int, images: int, mask_sets: int, seeds: int, methods: int | None) -> None:
    """Reckon what a larger comparison takes, from the seconds that the last run of RUNS took.

    Sizes, batches, metrics and devices are taken to be those of that run: make it small, but of the same kind.

    \b
    Example: bench cost results --steps 500000 --images 36500 --mask-sets 2 --seeds 5 --methods 20
    """
    from rich.console import Console
    from rich.table import Table

    from bench_core.costs import Plan, costs
    from bench_core.store import read_runs

    store, found = read_runs(runs)
    known = list(costs(store, found[-1]))
    if not known:
        raise BadInput(f"No cell of the last run in {runs} tells what it took: it is of an older version. Run it anew.")
    plan = Plan(steps, images, mask_sets, seeds)
    table = Table("method", "device", "size", "batch", "s a step", "s an image", "hours")
    for each in known:
        step = "" if each.step is None else f"{each.step:.3g}"
        hours = f"{each.hours(plan):,.1f}"
        table.add_row(each.variant, each.device, str(each.size), str(each.batch), step, f"{each.image:.3g}", hours)
    console = Console()
    console.print(table)
    learned = [each.hours(plan) for each in known if each.step is not None]
    total = sum(each.hours(plan) for each in known)
    if methods and learned:
        total += (methods - len(learned)) * sum(learned) / len(learned)
    console.print(f"In all {total:,.1f} hours of such a device, {total / 24:,.1f} days.")
