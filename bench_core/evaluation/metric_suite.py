"""The metrics of a protocol, built once and used for all methods."""

from dataclasses import dataclass, field
from typing import Any

import torch

from bench_core.metrics.regions import pixels_of
from bench_core.protocol import Protocol
from bench_core.specs import Metric, resolve

TRIAL_SIDE = 256
"""Side, in pixels, of the blank image that metrics are tried on if a protocol has no size."""


@dataclass
class MetricSuite:
    """Metrics that can be computed, and the reasons why others cannot."""

    metrics: list[Metric]
    device: torch.device
    protocol: Protocol
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
        """Measure a blank image, so that a metric which cannot measure this protocol's images fails before training."""
        side = self.protocol.size or TRIAL_SIDE
        blank = torch.zeros(1, self.protocol.channels, side, side, device=self.device)
        with torch.inference_mode():
            if metric.per == "set":
                self.function(metric)(blank)
            else:
                self.function(metric)(blank, blank, *pixels_of(metric.region, blank[:, :1]))

    @property
    def usable(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric.definition not in self.missing]

    def function(self, metric: Metric) -> Any:
        """Return a `PerImage`, or the `Extractor` of a metric of sets. Definitions with the same one share it."""
        if metric.build not in self._built:
            self._built[metric.build] = resolve(metric.build)(self.device)
        return self._built[metric.build]
