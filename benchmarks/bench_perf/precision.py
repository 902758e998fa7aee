"""Precision and compilation of the measured networks."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from lightning_fabric import Fabric

from bench_core.system import devices

Precision = Literal["32-true", "tf32", "bf16-mixed", "16-mixed"]
"""Fabric's precisions, and TF32: 32-bit floats of which NVIDIA GPUs multiply only 19 bits."""
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

    @contextmanager
    def open_fabric(self, device: str) -> Iterator[Fabric]:
        """Open Fabric on a device in this mode's precision."""
        with matmul_precision(self.precision):
            yield devices.open_fabric(device, "32-true" if self.precision == "tf32" else self.precision)

    def prepare(self, generator: Any) -> None:
        """Compile a generator in place if this mode asks for it."""
        if self.compiled:
            generator.compile()


@contextmanager
def matmul_precision(precision: Precision) -> Iterator[None]:
    """Use TF32 for matrix products and convolutions on NVIDIA GPUs if `precision` is ``tf32``, else full 32 bits."""
    tf32, before = precision == "tf32", torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if tf32 else "highest")
    try:
        # cuDNN has its own switch, which is on by default.
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
