"""The metrics of a protocol, built once and used for all methods."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import torch

from bench_core.metrics.regions import region_arguments
from bench_core.protocol import Protocol
from bench_core.specs import Metric, resolve

Size = tuple[int, int]
"""Height and width in pixels."""


@dataclass
class MetricSuite:
    """Metrics that can be computed, and the reasons why others cannot."""

    metrics: list[Metric]
    device: torch.device
    protocol: Protocol
    sizes: Collection[Size] = ()
    """Sizes of all images, if the protocol has none of its own."""
    missing: dict[str, str] = field(default_factory=dict)
    """For each definition that cannot be computed, the reason."""
    _built: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for metric in self.metrics:
            try:
                self._try(metric)
            except Exception as error:  # a metric that cannot be computed is a gap in the table, with a note below it
                self.missing[metric.definition] = str(error) or repr(error)

    def _try(self, metric: Metric) -> None:
        """Measure blank images, so that a metric which cannot measure images of such sizes fails before training."""
        for height, width in self._trial_sizes:
            blank = torch.zeros(1, self.protocol.channels, height, width, device=self.device)
            hole = torch.zeros_like(blank[:, :1])
            hole[..., height // 4 : -(height // 4), width // 4 : -(width // 4)] = 1
            with torch.inference_mode():
                if metric.per == "set":
                    self.function(metric)(blank)
                else:
                    self.function(metric)(blank, blank, *region_arguments(metric.region, hole))

    @property
    def _trial_sizes(self) -> set[Size]:
        """The protocol's size, or the extreme ones of its images. Metrics differ in which of them they refuse."""
        if self.protocol.size:
            return {(self.protocol.size, self.protocol.size)}
        sizes, sides = self.sizes, (min, max)
        return {choose(sizes, key=side) for choose in (min, max) for side in sides} if sizes else set()

    @property
    def usable(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric.definition not in self.missing]

    def function(self, metric: Metric) -> Any:
        """Return a `PerImage`, or the `FeatureExtractor` of a set metric. Definitions with the same one share it."""
        if metric.build not in self._built:
            self._built[metric.build] = resolve(metric.build)(self.device)
        return self._built[metric.build]
