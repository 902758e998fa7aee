"""A comparison: every variant and seed is a cell that is trained, judged and stored, one after the other."""

import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.loggers import TensorBoardLogger
from rich.markup import escape

from bench_core import checkpoints, files, provenance, seeds
from bench_core.backbones import Backbones
from bench_core.devices import Precision, open_fabric
from bench_core.evaluation import Evaluation, Judge, judgement_name
from bench_core.identity import identity
from bench_core.imagecheck import CheckedImages
from bench_core.masksets import Holes
from bench_core.method import Method
from bench_core.pairs import TestPairs, TrainPairs
from bench_core.plugins import Plugin
from bench_core.progress import console, tracking
from bench_core.protocol import Protocol
from bench_core.serving import refusal
from bench_core.specs import Metric, resolve
from bench_core.store import CellFolder, Entry, Run, Store
from bench_core.training import Training
from bench_core.variants import Variant


@dataclass(frozen=True)
class Machine:
    """Where and how cells run. None of it is meant to change a result, but for the precision."""

    device: str = "auto"
    precision: Precision = "32-true"
    eval_batch: int = 8
    workers: int = 0
    tracker: str | None = None


@dataclass
class Comparison:
    """Everything that is fixed before the first cell runs."""

    protocol: Protocol
    variants: Sequence[tuple[Plugin, Variant]]
    images: CheckedImages
    holes: dict[str, Holes]
    metrics: Sequence[Metric]
    store: Store
    machine: Machine = field(default_factory=Machine)
    skip_bad: bool = False

    def __post_init__(self) -> None:
        self.device = open_fabric(self.machine.device).device
        self.judge = Judge(list(self.metrics), self.device, self.protocol)
        self.backbones = Backbones(self.protocol.backbone, self.device)

    def run(self) -> tuple[Run, Path]:
        """Run what is missing, storing the state after every cell; returns the run and its folder."""
        cells = [
            (plugin, variant, Entry(variant.model.name, self._name(variant), seed, looks_through=variant.backbones))
            for plugin, variant in self.variants
            # what learns nothing does not depend on the seed
            for seed in (self.protocol.seeds if variant.model.recipe else self.protocol.seeds[:1])
        ]
        entries = [entry for _, _, entry in cells]
        run = Run(
            self.protocol,
            self.images.test_digest,
            len(self.images.test) * self.protocol.crops,
            entries,
            self.judge.missing,
            list(self.images.skipped),
        )
        folder = self.store.write_run(run)
        for plugin, variant, entry in cells:
            self._run_cell(plugin, variant, entry)
            self.store.write_run(run)
        return run, folder

    def _run_cell(self, plugin: Plugin, variant: Variant, entry: Entry) -> None:
        entry.reason = refusal(variant, self.protocol)
        if entry.reason:
            entry.state = "n/a"
            return
        train_pairs = TrainPairs(self.protocol, self.images.train, self._train_holes, entry.seed, self.skip_bad)
        known_by = identity(plugin, variant, entry.variant, train_pairs, self.images, self.machine.precision)
        cell = self.store.cell(known_by)
        entry.folder = cell.path.name
        pairs = {
            name: TestPairs(self.protocol, self.images.test, self.holes[name]) for name in self.protocol.test_masks
        }
        entry.judgements = {name: judgement_name(each, self.images.test_digest) for name, each in pairs.items()}
        try:
            self._complete(cell, entry, variant, pairs)
            entry.state = "done"
        except Exception as error:  # one cell's failure is a row of the table; the others go on
            entry.state, entry.reason = "failed", f"{type(error).__name__}: {error}"
            cell.fail(traceback.format_exc())
            console.print(f"[red]{escape(entry.variant)} failed:[/] {escape(entry.reason)} ({escape(str(cell.path))})")

    def _complete(self, cell: CellFolder, entry: Entry, variant: Variant, pairs: dict[str, TestPairs]) -> None:
        """Train the cell and measure what has not been measured yet."""
        todo = {}
        for name, judgement in entry.judgements.items():
            known = set(cell.rows(judgement)["metric"])
            todo[name] = [metric for metric in self.judge.usable if metric.definition not in known]
        if not any(todo.values()):
            return
        cell.begin()
        method = self._trained(cell, entry, variant)
        about = {"method": entry.method, "variant": entry.variant, "seed": entry.seed}
        for name, wanted in todo.items():
            if wanted:
                self._judge(cell, entry.judgements[name], method, pairs[name], wanted, about | {"mask_set": name})

    def _judge(
        self,
        cell: CellFolder,
        judgement: str,
        method: Method,
        pairs: TestPairs,
        wanted: list[Metric],
        about: dict[str, Any],
    ) -> None:
        evaluation = Evaluation(
            self.judge, method, pairs, self.machine.eval_batch, self.machine.workers, cell.path / "samples" / judgement
        )
        with tracking(f"judging {about['variant']} on {about['mask_set']}", len(pairs)) as tell:
            cell.add_rows(judgement, evaluation.rows(wanted, about, lambda done: tell(done, "")))
        cell.write_provenance(judgement, self._provenance())

    def _trained(self, cell: CellFolder, entry: Entry, variant: Variant) -> Method:
        torch.manual_seed(seeds.seed_of("initialisation", entry.seed))
        method: Method = resolve(variant.model.build)(self.protocol.scale, self.protocol.channels)
        weights = cell.path / "weights.safetensors"
        fabric = self._fabric(cell)
        if variant.model.recipe is None:
            return method.to(self.device)
        if weights.exists():
            checkpoints.load_weights(weights, method)
            method = method.to(self.device)
            method.generator = fabric.setup_module(method.generator)
            return method
        pairs = TrainPairs(self.protocol, self.images.train, self._train_holes, entry.seed, self.skip_bad)
        training = Training(
            fabric, method.to(self.device), variant, pairs, self.backbones, cell.path, self.machine.workers
        )
        with tracking(f"training {entry.variant}, seed {entry.seed}", self.protocol.steps) as tell:
            training.run(lambda step, values: tell(step, _shown(values)))
        facts = {"method": entry.method, "scale": self.protocol.scale, "channels": self.protocol.channels}
        checkpoints.save_weights(weights, method, facts)
        cell.write_provenance("training", self._provenance() | {"weights": files.sha256(weights)})
        (cell.path / "checkpoint.pt").unlink(missing_ok=True)
        return method

    def _fabric(self, cell: CellFolder) -> Fabric:
        loggers = []
        if self.machine.tracker == "tensorboard":
            loggers = [TensorBoardLogger(self.store.root / "tensorboard", name=cell.path.name, version="")]
        return open_fabric(self.machine.device, self.machine.precision, loggers)

    @property
    def _train_holes(self) -> list[Holes]:
        return [self.holes[name] for name in self.protocol.train_masks]

    def _name(self, variant: Variant) -> str:
        if self.machine.precision == "32-true" or variant.model.recipe is None:
            return variant.name
        return f"{variant.name} ({self.machine.precision})"

    def _provenance(self) -> dict[str, Any]:
        return {
            "command": sys.argv[1:],
            "protocol": self.protocol.model_dump(mode="json"),
            "protocol_hash": self.protocol.hash,
            "test_images": self.images.test_digest,
            "device": provenance.device_name(self.device),
            "precision": self.machine.precision,
            **provenance.environment(),
        }


def _shown(values: dict[str, float]) -> str:
    return "  ".join(f"{name.rpartition('/')[2]} {value:.3g}" for name, value in values.items())
