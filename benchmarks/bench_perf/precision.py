"""Precision and compilation of the measured networks."""

from dataclasses import dataclass
from typing import Any, get_args

from lightning_fabric import Fabric

from bench_core.specs import Precision
from bench_core.system import devices

PRECISIONS: tuple[Precision, ...] = get_args(Precision)


@dataclass(frozen=True)
class ExecutionMode:
    """Precision of a network, and whether torch.compile rewrites it."""

    precision: Precision = "32-true"
    compiled: bool = False

    def label(self, method: str) -> str:
        """Return the row name of a method in this mode, such as ``gated, bf16-mixed, compiled``."""
        words = [self.precision] * (self.precision != "32-true") + ["compiled"] * self.compiled
        return ", ".join([method, *words])

    def open_fabric(self, device: str) -> Fabric:
        """Open Fabric on a device in this mode's precision."""
        return devices.open_fabric(device, self.precision)

    def prepare(self, generator: Any) -> None:
        """Compile a generator in place if this mode asks for it."""
        if self.compiled:
            generator.compile()
