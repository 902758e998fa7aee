"""What a larger comparison costs, from the seconds that trainings and judgings in a store took."""

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean

from bench_core.store.store import CellStatus, Run, Store


@dataclass(frozen=True)
class Workload:
    """What is to be done with every method."""

    steps: int
    images: int
    """Judged, under each mask set."""
    mask_sets: int = 1
    seeds: int = 1


@dataclass(frozen=True)
class CostEstimate:
    """What a variant took, as far as its cells tell; means over these."""

    variant: str
    device: str
    size: int
    batch: int
    step: float | None
    """Seconds of a training step; None if it was not trained there."""
    image: float
    """Seconds until an image is painted and judged by all metrics of the run."""
    parameters: int = 0
    """How many numbers the generator learned; 0 if none, or if the cells are of an older version."""

    def hours(self, plan: Workload) -> float:
        """On one such device. What learns nothing is judged once."""
        judging = self.image * plan.images * plan.mask_sets
        return (judging if self.step is None else (self.step * plan.steps + judging) * plan.seeds) / 3600


def costs(store: Store, run: Run) -> Iterator[CostEstimate]:
    """Of every variant of a run whose cells tell them.

    Raises:
        BadInput: a record of a cell is damaged.
    """
    cells: dict[str, list[CellStatus]] = {}
    for entry in run.entries:
        cells.setdefault(entry.variant, []).append(entry)
    for variant, entries in cells.items():
        folders = [(store.folder(entry), entry) for entry in entries if entry.state == "done"]
        told = [
            folder.read_record(f"provenance/{of}") for folder, entry in folders for of in entry.evaluation_ids.values()
        ]
        judged = [each for each in told if "seconds_per_image" in each]
        trained = [folder.read_record("provenance/training") for folder, _ in folders]
        steps = [each["seconds_per_step"] for each in trained if each.get("seconds_per_step")]
        if judged:
            image = fmean(each["seconds_per_image"] for each in judged)
            step = fmean(steps) if steps else None
            learned = max((each.get("parameters", 0) for each in trained), default=0)
            sizes = (run.protocol.size, run.protocol.batch)
            yield CostEstimate(variant, judged[0]["device"], *sizes, step, image, learned)
