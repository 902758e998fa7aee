"""Everything that the cells of an experiment share: protocol, data, metrics and runtime settings."""

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import torch
from lightning_fabric import Fabric

from bench_core.data.loader import loading_processes
from bench_core.data.pairs import Pairs
from bench_core.data.validate import ValidatedImages
from bench_core.errors import BadInput
from bench_core.evaluation.measure import ground_truth_features, set_metric_rows
from bench_core.evaluation.metric_suite import MetricSuite, Size
from bench_core.experiment.options import RuntimeConfig
from bench_core.masks.mask_set import MaskSet
from bench_core.metrics.code import features_name
from bench_core.nn.backbones import Backbones
from bench_core.protocol import Protocol
from bench_core.specs import Metric, Tracker
from bench_core.store.cell_folder import CellFolder
from bench_core.store.features import Features
from bench_core.store.store import Store
from bench_core.system import environment
from bench_core.system.devices import open_fabric
from bench_core.system.process_group import ProcessGroup
from bench_core.system.progress import progress_bar


@dataclass
class RunContext:
    """Fixed before the first cell runs. Another process receives the fields, and opens devices and networks itself."""

    protocol: Protocol
    images: ValidatedImages
    mask_sets: dict[str, MaskSet]
    metrics: Sequence[Metric]
    store: Store
    runtime: RuntimeConfig = field(default_factory=RuntimeConfig)
    skip_bad: bool = False
    """Images that cannot be decoded were left out."""
    trackers: Sequence[Tracker] = ()
    sizes: Collection[Size] = ()
    """Sizes of the test images, if the protocol has none of its own."""

    @cached_property
    def fabric(self) -> Fabric:
        return self.open_fabric()

    def open_fabric(self) -> Fabric:
        """Open the devices anew: a network that Fabric has set up cannot be set up twice."""
        runtime = self.runtime
        return open_fabric(runtime.device, runtime.precision, runtime.devices, runtime.nodes)

    @property
    def group(self) -> ProcessGroup:
        """The processes that share a cell."""
        return self.store.group

    @property
    def device(self) -> torch.device:
        return self.fabric.device

    @property
    def workers(self) -> int:
        """Processes that load images."""
        return loading_processes(self.runtime.workers, self.device)

    @cached_property
    def suite(self) -> MetricSuite:
        """The metrics. One that any rank cannot compute is missing on all of them."""
        suite = MetricSuite(list(self.metrics), self.device, self.protocol, self.sizes)
        for missing in self.group.gather(lambda: suite.missing):
            suite.missing |= missing
        return suite

    @cached_property
    def backbones(self) -> Backbones:
        return Backbones(self.protocol.backbone, self.device, self.runtime.bf16_backbones)

    def missing_metrics(self, in_process: bool) -> dict[str, str]:
        """Reason for each metric that cannot be computed. Cells of other processes need the GPU for themselves."""
        cpu = torch.device("cpu")
        return (self.suite if in_process else MetricSuite(list(self.metrics), cpu, self.protocol)).missing

    def __getstate__(self) -> dict[str, Any]:
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def evaluate_set_metrics(
        self, folder: CellFolder, evaluation_id: str, metrics: Sequence[Metric], pairs: Pairs, about: Mapping[str, Any]
    ) -> None:
        """Add the rows of metrics that compare sets of images, from stored features."""
        for metric in metrics:
            if metric.per == "set":
                found = folder.features(evaluation_id, features_name(metric))
                assert found, "features are stored before they are compared"
                ground_truth = self._ground_truth_features(metric, pairs)
                folder.add_rows(evaluation_id, set_metric_rows(metric, found, ground_truth, about))

    def _ground_truth_features(self, metric: Metric, pairs: Pairs) -> Features:
        """Load or compute them: once in a store, for all methods and mask sets."""
        path = self.store.ground_truth_path(self.protocol, self.images.test_digest, features_name(metric))

        def compute() -> Features:
            with progress_bar(f"computing ground-truth features for {metric.title}", len(pairs)) as update:
                together = self.device.type == "cuda" and self.protocol.size
                batch = self.runtime.eval_batch if together else 1
                return ground_truth_features(self.suite, metric, pairs, path, update, batch, self.workers)

        return self.group.on_rank_zero(compute)

    def provenance(self) -> dict[str, Any]:
        """Return the record of what results are made with: command, protocol, images, device and versions."""
        return {
            "command": sys.argv[1:],
            "protocol": self.protocol.model_dump(mode="json"),
            "protocol_hash": self.protocol.hash,
            "test_images": self.images.test_digest,
            "device": environment.device_name(self.device),
            "precision": self.runtime.precision,
            "compiled": self.runtime.compiled,
            "bf16_backbones": self.runtime.bf16_backbones,
            "devices": self.group.world_size,
            "micro_batch": self.runtime.micro_batch,
            "sync_batchnorm": self.runtime.sync_batchnorm,
            **environment.environment(),
        }


def check_division(runtime: RuntimeConfig, batch: int) -> None:
    """Check that a batch can be shared out among the devices.

    Raises:
        BadInput: the batch is too small, or batch norm cannot be synchronised.
    """
    count = runtime.devices * runtime.nodes
    if batch < count:
        raise BadInput(
            f"A batch of {batch} cannot be shared out among {count} devices; give fewer, or a larger --batch."
        )
    if runtime.sync_batchnorm:
        if runtime.device == "cpu":
            raise BadInput("--sync-batchnorm works on CUDA only; leave it out on a CPU.")
        if batch % count or runtime.auto_micro_batch:
            raise BadInput(
                f"--sync-batchnorm needs the same work on all devices: a --batch that {count} divides, not {batch}, "
                "and no --auto-micro-batch."
            )
