"""The metrics of a protocol, built once and used for all methods."""

from dataclasses import dataclass, field
from typing import Any

import torch

from bench_core.metrics.regions import region_arguments
from bench_core.protocol import Protocol
from bench_core.specs import Metric, resolve

TRIAL = 256
"""The side of the blank image that measures are tried out on where a protocol has no size."""


@dataclass
class MetricSuite:
    """The measures that can be had, and why the others cannot."""

    metrics: list[Metric]
    device: torch.device
    protocol: Protocol
    missing: dict[str, str] = field(default_factory=dict)
    """For each metric that cannot be computed, why."""
    _built: dict[str, Any] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        for metric in self.metrics:
            try:
                self._try_out(metric)
            except Exception as error:  # a measure that cannot be had is a gap in the table, told below it
                self.missing[metric.definition] = str(error) or repr(error)

    def _try_out(self, metric: Metric) -> None:
        """Fails here, before any training, if images of this protocol cannot be measured."""
        side = self.protocol.size or TRIAL
        blank = torch.zeros(1, self.protocol.channels, side, side, device=self.device)
        with torch.inference_mode():
            self.measure(metric)(
                blank, *(() if metric.per == "set" else (blank, *region_arguments(metric.region, blank[:, :1])))
            )

    @property
    def usable(self) -> list[Metric]:
        return [metric for metric in self.metrics if metric.definition not in self.missing]

    def measure(self, metric: Metric) -> Any:
        """A `PerImage` or, of a metric of sets, an `FeatureExtractor`; definitions with the same share it."""
        if metric.build not in self._built:
            self._built[metric.build] = resolve(metric.build)(self.device)
        return self._built[metric.build]
