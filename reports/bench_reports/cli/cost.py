"""`bench cost`: run time of a larger experiment."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench_core.cli.json_output import JSON, print_json
from bench_core.errors import BadInput


@click.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(0), required=True, help="Training steps of each method.")
@click.option("--images", type=click.IntRange(1), required=True, help="Test images of each mask set.")
@click.option("--mask-sets", type=click.IntRange(1), default=1, help="Number of mask sets.")
@click.option("--seeds", type=click.IntRange(1), default=1, help="Training seeds of each method.")
@click.option("--methods", type=click.IntRange(1), help="Number of trained methods, each at the average cost of RUNS.")
@JSON
def cost(runs: Path, steps: int, images: int, mask_sets: int, seeds: int, methods: int | None, as_json: bool) -> None:
    """Estimate the run time of a larger experiment.

    The estimate uses the timings of the last run in RUNS. It assumes the same sizes, batches, metrics and devices, so
    make that run small but otherwise alike.

    \b
    Examples:
      bench cost results --steps 500000 --images 36500
      bench cost results --steps 500000 --images 36500 --mask-sets 2 --seeds 5 --methods 20
    """
    from bench_core.store.store import read_runs
    from bench_reports.costs import Workload, costs

    store, found = read_runs(runs)
    known = list(costs(store, found[-1]))
    if not known:
        raise BadInput(f"No cell of the last run in {runs} tells what it took: it is of an older version. Run it anew.")
    plan = Workload(steps, images, mask_sets, seeds)
    learned = [each.hours(plan) for each in known if each.step is not None]
    total = sum(each.hours(plan) for each in known)
    if methods and learned:
        total += (methods - len(learned)) * sum(learned) / len(learned)
    record = {"methods": [asdict(each) | {"hours": each.hours(plan)} for each in known], "hours": total}
    if as_json:
        print_json(record)
    else:
        _show(record)


def _show(record: dict[str, Any]) -> None:
    from rich.table import Table

    from bench_core.system.terminal import console

    table = Table("method", "device", "size", "batch", "s a step", "s an image", "hours")
    for each in record["methods"]:
        step = "" if each["step"] is None else f"{each['step']:.3g}"
        facts = (each["variant"], each["device"], str(each["size"]), str(each["batch"]))
        table.add_row(*facts, step, f"{each['image']:.3g}", f"{each['hours']:,.1f}")
    out, total = console(), record["hours"]
    out.print(table)
    out.print(f"In all {total:,.1f} hours of such a device, {total / 24:,.1f} days.")
