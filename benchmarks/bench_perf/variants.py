"""The forms in which a method computes the same: in 32 bits or fewer, as written or compiled."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from lightning_fabric import Fabric

from bench_core.system.devices import open_fabric

Arithmetic = Literal["32-true", "tf32", "bf16-mixed", "16-mixed"]
"""Fabric's precisions, and 32 bits of which an NVIDIA GPU multiplies 19 only."""
ARITHMETICS: tuple[Arithmetic, ...] = get_args(Arithmetic)


@dataclass(frozen=True)
class Form:
    arithmetic: Arithmetic = "32-true"
    compiled: bool = False

    def called(self, name: str) -> str:
        """A contender's name in tables."""
        words = [self.arithmetic] * (self.arithmetic != "32-true") + ["compiled"] * self.compiled
        return ", ".join([name, *words])

    @contextmanager
    def opened(self, device: str) -> Iterator[Fabric]:
        """Fabric on a device; what is computed inside is rounded so."""
        with rounded(self.arithmetic):
            yield open_fabric(device, "32-true" if self.arithmetic == "tf32" else self.arithmetic)

    def prepare(self, generator: Any) -> None:
        if self.compiled:
            generator.compile()


@contextmanager
def rounded(arithmetic: Arithmetic) -> Iterator[None]:
    """Of 32 bits, matrix products and convolutions on an NVIDIA GPU multiply all, or 19 if told ``tf32``."""
    short, before = arithmetic == "tf32", torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if short else "highest")
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=short):
            yield
    finally:
        torch.set_float32_matmul_precision(before)
