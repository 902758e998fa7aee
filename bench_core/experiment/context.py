"""What all cells of a comparison share: the rules, the data, the judge, and the machine."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property, partial
from typing import Any

import torch
from lightning_fabric import Fabric

from bench_core.data.pairs import Pairs
from bench_core.data.validate import ValidatedImages
from bench_core.errors import BadInput
from bench_core.evaluation.examples import COUNT
from bench_core.evaluation.measure import ground_truth_features, set_metric_rows
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import MaskSet
from bench_core.nn.backbones import Backbones
from bench_core.protocol import Protocol
from bench_core.specs import Metric, Tracker
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.store.store import Store
from bench_core.system import environment
from bench_core.system.devices import Precision, open_fabric
from bench_core.system.distributed import Distributed
from bench_core.system.progress import progress_bar


@dataclass(frozen=True)
class RuntimeConfig:
    """Where and how cells run. None of it is meant to change a result, but for the arithmetic."""

    device: str = "auto"
    precision: Precision = "32-true"
    eval_batch: int = 8
    workers: int = 0
    compiled: bool = False
    """Whether generators run as torch.compile makes them, which rounds otherwise."""
    devices: int = 1
    """On each node. All of them work on one cell at a time."""
    nodes: int = 1
    micro_batch: int | None = None
    """Images at a time on one device while it trains; all of its part of a batch if left out."""
    auto_micro_batch: bool = False
    """Whether that is halved where memory is too small."""
    sync_batchnorm: bool = False
    """Whether batch norm sees the images of all devices in training."""
    save_images: int | None = COUNT
    """How many pairs' pictures are kept of every mask set; all if None."""

    @property
    def arithmetic(self) -> str:
        """How numbers are rounded, in words. What is computed otherwise is never taken for the same."""
        return f"{self.precision}, compiled" if self.compiled else self.precision

    def open(self) -> Fabric:
        return open_fabric(self.device, self.precision, self.devices, self.nodes)


def check_division(machine: RuntimeConfig, batch: int) -> None:
    """Make sure that a batch can be shared out among the devices.

    Raises:
        BadInput: it is too small, or batch norm cannot be synchronised.
    """
    count = machine.devices * machine.nodes
    if batch < count:
        raise BadInput(
            f"A batch of {batch} cannot be shared out among {count} devices; give fewer, or a larger --batch."
        )
    if machine.sync_batchnorm:
        if machine.device == "cpu":
            raise BadInput("--sync-batchnorm works on CUDA only; leave it out on a CPU.")
        if batch % count or machine.auto_micro_batch:
            raise BadInput(
                f"--sync-batchnorm needs the same work on all devices: a --batch that {count} divides, not {batch}, "
                "and no --auto-micro-batch."
            )


@dataclass
class RunContext:
    """Fixed before the first cell runs."""

    protocol: Protocol
    images: ValidatedImages
    holes: dict[str, MaskSet]
    metrics: Sequence[Metric]
    store: Store
    machine: RuntimeConfig = field(default_factory=RuntimeConfig)
    skip_bad: bool = False
    trackers: Sequence[Tracker] = ()

    @cached_property
    def fabric(self) -> Fabric:
        return self.machine.open()

    @cached_property
    def distributed(self) -> Distributed:
        return Distributed(self.fabric.global_rank, self.fabric.world_size)

    @property
    def device(self) -> torch.device:
        return self.fabric.device

    @cached_property
    def suite(self) -> MetricSuite:
        """The same on all ranks, where what one cannot compute is missing on all."""
        suite = MetricSuite(list(self.metrics), self.device, self.protocol)
        for missing in self.distributed.gather(lambda: suite.missing):
            suite.missing |= missing
        return suite

    @cached_property
    def backbones(self) -> Backbones:
        return Backbones(self.protocol.backbone, self.device)

    def missing(self, here: bool) -> dict[str, str]:
        """For each metric that cannot be computed, why. Cells that run elsewhere need the GPU for themselves."""
        return (self.suite if here else MetricSuite(list(self.metrics), torch.device("cpu"), self.protocol)).missing

    def __getstate__(self) -> dict[str, Any]:
        """Another process makes device, judge and backbones anew."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def compare_sets(
        self, folder: CellFolder, evaluation_id: str, wanted: Sequence[Metric], pairs: Pairs, about: Mapping[str, Any]
    ) -> None:
        """Add the rows of those wanted metrics that compare sets, from features that are stored."""
        for metric in wanted:
            if metric.per == "set":
                self.distributed.on_rank_zero(partial(self._compare_set, folder, evaluation_id, metric, pairs, about))

    def _compare_set(
        self, folder: CellFolder, evaluation_id: str, metric: Metric, pairs: Pairs, about: Mapping[str, Any]
    ) -> None:
        found = folder.features(evaluation_id, metric.features)
        assert found, "features are stored before they are compared"
        folder.add_rows(evaluation_id, set_metric_rows(metric, found, self._truth_features(metric, pairs), about))

    def _truth_features(self, metric: Metric, pairs: Pairs) -> Features:
        """Computed once in a store for all methods and mask sets."""
        path = self.store.ground_truth_path(self.protocol, self.images.test_digest, metric.features)
        with progress_bar(f"looking at the truth for {metric.title}", len(pairs)) as tell:
            return ground_truth_features(self.suite, metric, pairs, path, tell)

    def provenance(self) -> dict[str, Any]:
        """What results on this machine, under these rules, are made with."""
        return {
            "command": sys.argv[1:],
            "protocol": self.protocol.model_dump(mode="json"),
            "protocol_hash": self.protocol.hash,
            "test_images": self.images.test_digest,
            "device": environment.device_name(self.device),
            "precision": self.machine.precision,
            "compiled": self.machine.compiled,
            "devices": self.distributed.count,
            "micro_batch": self.machine.micro_batch,
            "sync_batchnorm": self.machine.sync_batchnorm,
            **environment.environment(),
        }
