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
@click.option("--images", type=click.IntRange(1), required=True, help="Number of test images under each mask set.")
@click.option("--mask-sets", type=click.IntRange(1), default=1, help="Number of mask sets.")
@click.option("--seeds", type=click.IntRange(1), default=1, help="Number of trainings of each method.")
@click.option(
    "--methods", type=click.IntRange(1), help="Number of trained methods (each costs the average of those in RUNS)."
)
@JSON
def cost(runs: Path, steps: int, images: int, mask_sets: int, seeds: int, methods: int | None, as_json: bool) -> None:
    """Estimate the run time of a larger experiment.

    The estimate uses the timings of the last run in RUNS, and assumes its image size, batch, metrics and devices. Make
    that run small, but otherwise like the large one.

    \b
    Examples:
      bench cost results --steps 500000 --images 36500
      bench cost results --steps 500000 --images 36500 --mask-sets 2 --seeds 5 --methods 20
    """
    from bench_core.store.store import read_runs
    from bench_reports.costs import Workload, measured_costs, untimed_notes
    from bench_reports.tables.merging import merge_runs

    store, found = read_runs(runs)
    last = merge_runs(store, found[-1:])[-1]
    costs = list(measured_costs(store, last))
    notes = untimed_notes(last, costs)
    if not costs:
        why = " ".join(notes[:-1])
        raise BadInput(f"The last run in {runs} has no timings. {why} Repeat it, also if an older version wrote it.")
    workload = Workload(steps, images, mask_sets, seeds)
    trained = [each.hours(workload) for each in costs if each.step is not None]
    total = sum(each.hours(workload) for each in costs)
    if methods and trained:
        total += (methods - len(trained)) * sum(trained) / len(trained)
    timed = [asdict(each) | {"hours": each.hours(workload)} for each in costs]
    record = {"methods": timed, "hours": total, "notes": notes}
    if as_json:
        print_json(record)
    else:
        _show(record)


def _show(record: dict[str, Any]) -> None:
    from rich.table import Table

    from bench_core.system.progress import open_console

    table = Table("method", "device", "size", "batch", "s/step", "s/image", "hours")
    for each in record["methods"]:
        step = "" if each["step"] is None else f"{each['step']:.3g}"
        setting = (each["variant"], each["device"], str(each["size"]), str(each["batch"]))
        table.add_row(*setting, step, f"{each['image']:.3g}", f"{each['hours']:,.1f}")
    out, total = open_console(), record["hours"]
    out.print(table)
    for note in record["notes"]:
        out.print(note, markup=False, soft_wrap=True)
    out.print(f"Total: {total:,.1f} hours on such a device, {total / 24:,.1f} days.")
