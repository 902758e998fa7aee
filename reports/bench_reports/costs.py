"""Cost of each method: parameters, training time and time per image, and estimates for larger experiments."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from bench_core.specs import Model
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.tables.gaps import state_notes

TIMED = ("done", "missing")
"""States of cells that recorded their time. Timings outlast rows."""


@dataclass(frozen=True)
class Workload:
    """Size of an experiment, the same for every method."""

    steps: int
    images: int
    """Number of test images under each mask set."""
    mask_sets: int = 1
    seeds: int = 1


@dataclass(frozen=True)
class CostEstimate:
    """Measured cost of a variant: means over its finished cells."""

    variant: str
    device: str
    size: int
    batch: int
    step: float | None
    """Seconds per training step; None if the variant was not trained."""
    image: float
    """Seconds to predict an image and compute all metrics of the run."""
    parameters: int = 0
    """Number of trained parameters of the generator; 0 if none or unknown."""

    def hours(self, workload: Workload) -> float:
        """Estimate the hours on one such device. Training-free methods are evaluated with one seed."""
        evaluation = self.image * workload.images * workload.mask_sets
        if self.step is None:
            return evaluation / 3600
        return (self.step * workload.steps + evaluation) * workload.seeds / 3600


def measured_costs(store: Store, run: Run) -> Iterator[CostEstimate]:
    """Yield the cost of every variant whose finished cells recorded their time.

    Raises:
        BadInput: a record of a cell is damaged.
    """
    by_variant: dict[str, list[CellStatus]] = {}
    for entry in run.entries:
        by_variant.setdefault(entry.variant, []).append(entry)
    for variant, entries in by_variant.items():
        done = [(store.folder(entry), entry.evaluation_ids.values()) for entry in entries if entry.state in TIMED]
        records = [
            folder.read_record(f"provenance/{each}") for folder, evaluation_ids in done for each in evaluation_ids
        ]
        evaluations = [record for record in records if "seconds_per_image" in record]
        trainings = [folder.read_record("provenance/training") for folder, _ in done]
        steps = [record["seconds_per_step"] for record in trainings if record.get("seconds_per_step")]
        if evaluations:
            yield CostEstimate(
                variant,
                evaluations[0]["device"],
                run.protocol.size,
                run.protocol.batch,
                step=fmean(steps) if steps else None,
                image=fmean(record["seconds_per_image"] for record in evaluations),
                parameters=max((record.get("parameters", 0) for record in trainings), default=0),
            )


def untimed_notes(run: Run, costs: Sequence[CostEstimate]) -> list[str]:
    """Name the variants without timings, after the reasons for it."""
    timed = {cost.variant for cost in costs}
    untimed = [entry for entry in run.entries if entry.variant not in timed and entry.state != "n/a"]
    names = ", ".join(dict.fromkeys(entry.variant for entry in untimed))
    reasons = state_notes(replace(run, entries=[replace(entry, notes=[]) for entry in untimed]))
    return [*reasons, f"There are no timings of {names}: no estimate includes them."] if untimed else []


def variant_costs(store: Store, run: Run, models: Mapping[str, Model]) -> dict[str, dict[str, float]]:
    """Return the known costs of each variant: `parameters`, seconds of one `training`, and seconds per `image`.

    Parameters that were not counted in training are taken from the method's record, for default options only.
    """
    measured = {cost.variant: cost for cost in measured_costs(store, run)}
    methods = {entry.variant: entry.method for entry in run.entries}
    known: dict[str, dict[str, float]] = {}
    for variant, method in methods.items():
        cost, model = measured.get(variant), models.get(method)
        declared = model.num_parameters.get(run.protocol.scale) if model and "[" not in variant else None
        costs = {
            "parameters": (cost.parameters if cost else None) or declared,
            "training": cost.step * run.protocol.steps if cost and cost.step else None,
            "image": cost.image if cost else None,
        }
        known[variant] = {kind: value for kind, value in costs.items() if value is not None}
    return {variant: costs for variant, costs in known.items() if costs}


def format_count(number: float) -> str:
    """Format a count, such as 6.07 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:g}"


def format_duration(seconds: float) -> str:
    """Format a duration, such as 2.1 h, 35 s or 4.2 ms."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}" if seconds < 100 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e6:.2g} µs"
