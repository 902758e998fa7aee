"""What all cells of a comparison share: the rules, the data, the judge, and the machine."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch

from bench_core import provenance
from bench_core.backbones import Backbones
from bench_core.devices import Precision, open_fabric
from bench_core.features import Features
from bench_core.imagecheck import CheckedImages
from bench_core.judging import Judge, set_rows, truth_features
from bench_core.mask_sets.holes import Holes
from bench_core.pairs import Pairs
from bench_core.progress import tracking
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store import CellFolder, Store


@dataclass(frozen=True)
class Machine:
    """Where and how cells run. None of it is meant to change a result, but for the arithmetic."""

    device: str = "auto"
    precision: Precision = "32-true"
    eval_batch: int = 8
    workers: int = 0
    tracker: str | None = None
    compiled: bool = False
    """Whether generators run as torch.compile makes them, which rounds otherwise."""

    @property
    def arithmetic(self) -> str:
        """How numbers are rounded, in words. What is computed otherwise is never taken for the same."""
        return f"{self.precision}, compiled" if self.compiled else self.precision


@dataclass
class Setup:
    """Fixed before the first cell runs."""

    protocol: Protocol
    images: CheckedImages
    holes: dict[str, Holes]
    metrics: Sequence[Metric]
    store: Store
    machine: Machine = field(default_factory=Machine)
    skip_bad: bool = False

    @cached_property
    def device(self) -> torch.device:
        return open_fabric(self.machine.device).device

    @cached_property
    def judge(self) -> Judge:
        return Judge(list(self.metrics), self.device, self.protocol)

    @cached_property
    def backbones(self) -> Backbones:
        return Backbones(self.protocol.backbone, self.device)

    def missing(self, here: bool) -> dict[str, str]:
        """For each metric that cannot be computed, why. Cells that run elsewhere need the GPU for themselves."""
        return (self.judge if here else Judge(list(self.metrics), torch.device("cpu"), self.protocol)).missing

    def __getstate__(self) -> dict[str, Any]:
        """Another process makes device, judge and backbones anew."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def compare_sets(
        self, folder: CellFolder, judgement: str, wanted: Sequence[Metric], pairs: Pairs, about: Mapping[str, Any]
    ) -> None:
        """Add the rows of those wanted metrics that compare sets, from features that are stored."""
        for metric in wanted:
            if metric.per == "set":
                found = folder.features(judgement, metric.features)
                assert found, "features are stored before they are compared"
                folder.add_rows(judgement, set_rows(metric, found, self._truth_features(metric, pairs), about))

    def _truth_features(self, metric: Metric, pairs: Pairs) -> Features:
        """Computed once in a store for all methods and mask sets."""
        path = self.store.truth(self.protocol, self.images.test_digest, metric.features)
        with tracking(f"looking at the truth for {metric.title}", len(pairs)) as tell:
            return truth_features(self.judge, metric, pairs, path, lambda done: tell(done, ""))

    def provenance(self) -> dict[str, Any]:
        """What results on this machine, under these rules, are made with."""
        return {
            "command": sys.argv[1:],
            "protocol": self.protocol.model_dump(mode="json"),
            "protocol_hash": self.protocol.hash,
            "test_images": self.images.test_digest,
            "device": provenance.device_name(self.device),
            "precision": self.machine.precision,
            "compiled": self.machine.compiled,
            **provenance.environment(),
        }
