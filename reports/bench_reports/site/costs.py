"""What a method costs, as far as its cells and its record tell: parameters, training, painting."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from bench_core.specs import Model
from bench_core.store.store import Run, Store
from bench_reports.costs import costs


@dataclass(frozen=True)
class VariantCosts:
    parameters: int | None
    """Of the generator."""
    training: float | None
    """Seconds of one training."""
    image: float | None
    """Seconds until an image is painted and judged by all metrics of the run."""

    TITLES: ClassVar = {"parameters": "Parameters", "training": "Trainer", "image": "Per image"}

    @property
    def texts(self) -> dict[str, tuple[str, float]]:
        """What is known, in words and as a number that sorts."""
        told = {
            "parameters": (self.parameters, count),
            "training": (self.training, duration),
            "image": (self.image, duration),
        }
        return {key: (say(value), value) for key, (value, say) in told.items() if value is not None}


def spent(store: Store, run: Run, models: Mapping[str, Model]) -> Iterator[tuple[str, VariantCosts]]:
    """By variant, of those that tell anything."""
    timed = {cost.variant: cost for cost in costs(store, run)}
    methods = {entry.variant: entry.method for entry in run.entries}
    for variant, method in methods.items():
        cost = timed.get(variant)
        parameters = (cost.parameters if cost else 0) or _declared(variant, models.get(method), run)
        training = cost.step * run.protocol.steps if cost and cost.step else None
        if cost or parameters:
            yield variant, VariantCosts(parameters, training, cost.image if cost else None)


def _declared(variant: str, model: Model | None, run: Run) -> int | None:
    """What a method's record says of its default options."""
    return model.num_parameters.get(run.protocol.scale) if model and "[" not in variant else None


def count(number: float) -> str:
    """Such as 6.07 M."""
    for size, unit in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return f"{number:g}"


def duration(seconds: float) -> str:
    """Such as 2.1 h, 35 s or 4.2 ms."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms")):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}" if seconds < 100 * size else f"{seconds / size:.0f} {unit}"
    return f"{seconds * 1e6:.2g} µs"
