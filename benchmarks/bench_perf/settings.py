"""What is to be measured, and how."""

from dataclasses import dataclass, field
from functools import cached_property

import torch

from bench_core.plugins import Plugins
from bench_core.specs import Scale
from bench_core.system.devices import open_fabric
from bench_perf.baseline import Baseline
from bench_perf.variants import Arithmetic, Form


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
    precisions: tuple[Arithmetic, ...] = ()
    """Those that are measured beside 32 bits."""
    compiled: bool = False
    """Whether generators are measured as torch.compile makes them, too."""
    threads: int = field(default_factory=torch.get_num_threads)
    seconds: float = 5.0
    """How long the contenders of one case are timed together, after they have run once."""
    baselines: dict[str, Baseline] = field(default_factory=dict)
    """By the name of the method that they are measured beside."""

    @cached_property
    def place(self) -> torch.device:
        return open_fabric(self.device).device

    @property
    def forms(self) -> tuple[Form, ...]:
        """The plain one, in 32 bits, comes last."""
        others = dict.fromkeys(self.precisions)
        others.pop("32-true", None)
        ways = (True, False) if self.compiled else (False,)
        return tuple(Form(each, compiled) for each in (*others, "32-true") for compiled in ways)
