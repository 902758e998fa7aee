"""`bench cost`: what a larger comparison would take."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench_core.cli.json_output import JSON, print_json
from bench_core.errors import BadInput


@click.command()
@click.argument("runs", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(0), required=True, help="Training steps of each method.")
@click.option("--images", type=click.IntRange(1), required=True, help="Test images under each mask set.")
@click.option("--mask-sets", type=click.IntRange(1), default=1, help="With so many images each.")
@click.option("--seeds", type=click.IntRange(1), default=1, help="Trainings of each method.")
@click.option("--methods", type=click.IntRange(1), help="So many that learn, as dear as those of RUNS on average.")
@JSON
def cost(runs: Path, steps: int, images: int, mask_sets: int, seeds: int, methods: int | None, as_json: bool) -> None:
    """Reckon what a larger comparison takes.

    It is reckoned from the seconds that the last run of RUNS took. Sizes, batches, metrics and devices are taken to be
    those of that run: make it small, but of the same kind.

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

    from bench_core.system.progress import open_console

    table = Table("method", "device", "size", "batch", "s a step", "s an image", "hours")
    for each in record["methods"]:
        step = "" if each["step"] is None else f"{each['step']:.3g}"
        facts = (each["variant"], each["device"], str(each["size"]), str(each["batch"]))
        table.add_row(*facts, step, f"{each['image']:.3g}", f"{each['hours']:,.1f}")
    out, total = open_console(), record["hours"]
    out.print(table)
    out.print(f"In all {total:,.1f} hours of such a device, {total / 24:,.1f} days.")
