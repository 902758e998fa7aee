"""A cell's method with its weights: those that were given, those that lie in its folder, or trained now."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from bench_core import seeds
from bench_core.data.pairs import TrainPairs
from bench_core.experiment.context import RunContext
from bench_core.methods.method import Guide, Method
from bench_core.methods.variants import Variant
from bench_core.specs import resolve
from bench_core.store.cell_folder import CellFolder
from bench_core.system import files
from bench_core.system.progress import format_losses, progress_bar
from bench_core.training.schedule import num_images_drawn
from bench_core.training.trackers.tracker import CellTracker
from bench_core.training.trainer import Trainer
from bench_core.weights import weight_file

Watch = Callable[[Method, int], None]


@dataclass(frozen=True)
class Readying:
    """Of one variant and seed."""

    setup: RunContext
    variant: Variant
    seed: int
    folder: CellFolder
    pairs: TrainPairs
    guide: Guide | None
    tracker: CellTracker

    def method(self, title: str, watch: Watch) -> Method:
        """Ready to paint; `watch` is called with it and the step, now and then while it is trained."""
        recipe = self.variant.model.recipe
        weights = self.variant.weights or (self.folder.trained_weights() if recipe else None)
        method = self.setup.distributed.run_all(lambda: self._built(weights))
        if weights:
            method.generator = self.setup.machine.open().setup_module(method.generator)
        elif recipe:
            self._train(method, title, watch)
        return method

    def _built(self, weights: Path | None) -> Method:
        """On its device, with these weights or those that training begins with."""
        setup, model = self.setup, self.variant.model
        torch.manual_seed(seeds.seed_of("initialisation", self.seed))
        method: Method = resolve(model.build)(setup.protocol.scale, setup.protocol.channels, **model.options)
        if setup.machine.compiled and (weights or model.recipe):
            method.generator.compile()  # in place: its weights keep their names
        if weights:
            weight_file.load_weights(weights, method)
        return method.to(setup.device)

    def _train(self, method: Method, title: str, watch: Watch) -> None:
        setup = self.setup
        training = Trainer(
            setup.machine.open(),
            method,
            self.variant,
            self.pairs,
            setup.backbones,
            self.folder.path,
            setup.machine.workers,
            self.guide,
            tell=self.tracker.log,
            micro_batch=setup.machine.micro_batch,
            auto_micro_batch=setup.machine.auto_micro_batch,
            sync_batchnorm=setup.machine.sync_batchnorm,
        )
        if setup.protocol.curve_every:
            training.watch = partial(watch, method)
        steps = setup.protocol.steps
        images = num_images_drawn(training.recipe, setup.protocol, steps) / max(steps, 1)
        with progress_bar(f"training {title}, seed {self.seed}", steps, each=images) as tell:
            training.run(lambda step, values: tell(step, format_losses(values)))
        times = {"waiting_share": round(training.waiting_share, 4), "seconds_per_step": training.seconds_per_step}
        setup.distributed.on_rank_zero(partial(self._keep, method, times))

    def _keep(self, method: Method, times: dict[str, float | None]) -> None:
        """Store what was trained."""
        path, model, protocol = self.folder.path, self.variant.model, self.setup.protocol
        facts = {
            "method": model.shares_weights_with or model.name,
            "scale": protocol.scale,
            "channels": protocol.channels,
            "options": dict(model.options),
        }
        weights = path / "weights.safetensors"
        weight_file.save_weights(weights, method, facts)
        count = sum(each.numel() for each in method.generator.parameters())
        learned = {"weights": files.sha256(weights), "parameters": count}
        self.folder.write_provenance("training", self.setup.provenance() | learned | times)
        (path / "checkpoint.pt").unlink(missing_ok=True)
