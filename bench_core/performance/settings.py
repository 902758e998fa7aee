"""What is to be measured, and how."""

from dataclasses import dataclass, field
from functools import cached_property

import torch

from bench_core.devices import Precision, open_fabric
from bench_core.performance.rivals import Rival
from bench_core.plugins import Plugins
from bench_core.specs import Scale


@dataclass(frozen=True)
class Settings:
    """All that a user may choose."""

    plugins: Plugins
    methods: tuple[str, ...]
    parts: tuple[str, ...]
    sizes: tuple[int, ...] = (256, 512)
    batches: tuple[int, ...] = (1, 4)
    scale: Scale = "paper"
    device: str = "cpu"
    precision: Precision = "32-true"
    """Another than 32 bits is measured beside them."""
    threads: int = field(default_factory=torch.get_num_threads)
    seconds: float = 5.0
    """How long the contenders of one case are timed together, after they have run once."""
    rivals: dict[str, Rival] = field(default_factory=dict)
    """By the name of the method that they are measured beside."""

    @cached_property
    def place(self) -> torch.device:
        return open_fabric(self.device).device

    @property
    def precisions(self) -> tuple[Precision, ...]:
        """The other one if there is another, and 32 bits."""
        return ("32-true",) if self.precision == "32-true" else (self.precision, "32-true")


def shown(name: str, precision: Precision) -> str:
    """How a contender is called in tables."""
    return name if precision == "32-true" else f"{name}, {precision}"
