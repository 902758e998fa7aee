"""Settings of one measurement."""

from dataclasses import dataclass, field
from functools import cached_property

import torch

from bench_core.plugins import Plugins
from bench_core.specs import Precision, Scale
from bench_core.system.devices import open_fabric
from bench_perf.baseline import Baseline
from bench_perf.precision import ExecutionMode


@dataclass(frozen=True)
class Settings:
    """Options of `bench perf`, validated."""

    plugins: Plugins
    methods: tuple[str, ...]
    parts: tuple[str, ...]
    sizes: tuple[int, ...] = (256, 512)
    """Height and width of square images, in pixels."""
    batches: tuple[int, ...] = (1, 4)
    scale: Scale = "paper"
    device: str = "cpu"
    precisions: tuple[Precision, ...] = ()
    """Precisions to measure besides 32 bits."""
    compiled: bool = False
    """Also measure generators that torch.compile rewrote."""
    threads: int = field(default_factory=torch.get_num_threads)
    seconds: float = 5.0
    """Time for the candidates of one case together, after a warm-up round."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    """Baselines by the method that they are compared with."""

    @cached_property
    def torch_device(self) -> torch.device:
        return open_fabric(self.device).device

    @property
    def modes(self) -> tuple[ExecutionMode, ...]:
        """Modes to measure each method in. The plain one, 32 bits and not compiled, comes last."""
        reduced = dict.fromkeys(self.precisions)
        reduced.pop("32-true", None)
        compiled = (True, False) if self.compiled else (False,)
        return tuple(ExecutionMode(precision, each) for precision in (*reduced, "32-true") for each in compiled)
