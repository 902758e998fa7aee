"""Evaluation of one cell on the mask sets of its protocol."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

from bench_core.data.pairs import TestPairs
from bench_core.data.validate import Subset
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.examples import SavedExamples
from bench_core.experiment.context import RunContext
from bench_core.experiment.options import RuntimeConfig
from bench_core.methods.method import Guide, Method
from bench_core.methods.variants import Variant
from bench_core.metrics.code import features_name, measured_by
from bench_core.specs import Metric, Model, resolve
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus
from bench_core.system.progress import console, progress_bar
from bench_core.training.log import curve_points
from bench_core.training.trackers.dispatch import log_evaluation, means
from bench_core.training.trackers.tracker import CellTracker


@dataclass
class Pending:
    """Results that a cell still lacks, by mask set."""

    metrics: dict[str, list[Metric]] = field(default_factory=dict)
    """Metrics without rows."""
    measurements: dict[str, list[Metric]] = field(default_factory=dict)
    """Those of them that need predictions; the others can be computed from stored features."""
    examples: dict[str, list[int]] = field(default_factory=dict)
    """Indexes of pairs whose images are to be saved."""

    @property
    def needs_predictions(self) -> bool:
        return any(self.measurements.values()) or any(self.examples.values())

    def __bool__(self) -> bool:
        return any(self.metrics.values()) or any(self.examples.values())


def mixed_images(model: Model, runtime: RuntimeConfig) -> int:
    """Return the number of images whose predictions depend on each other, 1 for most methods."""
    return min(runtime.predict_batch or 1, runtime.eval_batch) if model.batch_dependent else 1


@dataclass
class CellEvaluation:
    """Evaluation of one cell: finds what is missing, measures it and stores it."""

    context: RunContext
    variant: Variant
    status: CellStatus
    folder: CellFolder
    pairs: Mapping[str, TestPairs]
    """Test pairs by mask set."""
    guide: Guide | None
    tracker: CellTracker

    def pending(self) -> Pending:
        """Find the results that are missing."""
        pending = Pending()
        for mask_set, evaluation_id in self.status.evaluation_ids.items():
            known = self.folder.measured_metrics(evaluation_id)
            missing = [m for m in self.context.suite.usable if measured_by(m) not in known]
            pending.metrics[mask_set] = missing
            pending.measurements[mask_set] = [
                m for m in missing if m.per == "image" or not self.folder.features(evaluation_id, features_name(m))
            ]
        trains = any(pending.measurements.values())
        pending.examples = self.context.group.on_rank_zero(lambda: self._missing_examples(trains))
        return pending

    def predict(self, method: Method, pending: Pending) -> None:
        """Predict and measure where predictions are needed, and save images of examples."""
        for mask_set, metrics in pending.measurements.items():
            if metrics:
                self._measure(method, mask_set, metrics)
            elif indexes := pending.examples[mask_set]:
                with progress_bar(f"saving examples of {self.status.variant} on {mask_set}", len(indexes)) as update:
                    self._evaluator(method, self.pairs[mask_set], mask_set).evaluate([], update, indexes)

    def finish(self, pending: Pending) -> None:
        """Compute metrics that compare sets, and report all new metrics to the trackers."""
        for mask_set, metrics in pending.metrics.items():
            evaluation_id, pairs = self.status.evaluation_ids[mask_set], self.pairs[mask_set]
            self.context.evaluate_set_metrics(self.folder, evaluation_id, metrics, pairs, self._about(mask_set))
            if self.context.trackers:
                self._report(mask_set, metrics)

    def evaluate_during_training(self, method: Method, step: int) -> None:
        """Add a point to the curves of each mask set: means over the first test images."""
        metrics = [metric for metric in self.context.suite.usable if metric.per == "image"]
        for mask_set, pairs in self.pairs.items():
            images = Subset(pairs.images, range(len(pairs.images))[: self.context.protocol.curve_images])
            first = TestPairs(self.context.protocol, images, pairs.mask_set)
            result = self._evaluator(method, first).evaluate(metrics, lambda done: None)
            found = means(result.rows(self._about(mask_set)))
            self.folder.add_curve_point(step, mask_set, found)
            self.tracker.log(step, curve_points(mask_set, found))

    def _measure(self, method: Method, mask_set: str, metrics: list[Metric]) -> None:
        evaluation_id, pairs = self.status.evaluation_ids[mask_set], self.pairs[mask_set]
        with progress_bar(f"evaluating {self.status.variant} on {mask_set}", len(pairs)) as update:
            began = time.perf_counter()
            evaluator = self._evaluator(method, pairs, mask_set)
            result = evaluator.evaluate(metrics, update)
            seconds = (time.perf_counter() - began) / len(pairs)
            how = {"seconds_per_image": seconds, "predict_batch": evaluator.predict_batch}
        self.folder.write_features(evaluation_id, result.features)
        self.folder.add_rows(evaluation_id, result.rows(self._about(mask_set)))
        self.folder.write_provenance(evaluation_id, self.context.provenance() | how)

    def _evaluator(self, method: Method, pairs: TestPairs, saved: str = "") -> Evaluator:
        """The evaluator of a method; it saves the examples of the mask set `saved`."""
        context, runtime = self.context, self.context.runtime
        examples = self._examples(saved) if saved else None
        return Evaluator(
            context.suite,
            method,
            pairs,
            runtime.eval_batch,
            context.workers,
            examples,
            self.guide,
            self._postprocess,
            context.group,
            self._predict_batch,
            self.variant.model.batch_dependent,
        )

    @property
    def _predict_batch(self) -> int:
        """Images to predict at once. A method that draws at random gets the seed of each image."""
        runtime, model = self.context.runtime, self.variant.model
        if model.batch_dependent:
            return mixed_images(model, runtime)
        usual = 1 if self.context.device.type == "cpu" else runtime.eval_batch
        return 1 if model.stochastic else runtime.predict_batch or usual

    @cached_property
    def _postprocess(self) -> Any:
        return resolve(self.variant.model.postprocess) if self.variant.model.postprocess else None

    def _report(self, mask_set: str, metrics: list[Metric]) -> None:
        report = partial(log_evaluation, self.tracker, self.folder, self.status, mask_set, metrics)
        self.context.group.on_rank_zero(report)

    def _examples(self, mask_set: str) -> SavedExamples:
        folder = self.folder.examples_folder(self.status.evaluation_ids[mask_set])
        return SavedExamples(folder, len(self.pairs[mask_set]), self.context.runtime.save_images)

    def _missing_examples(self, trains: bool) -> dict[str, list[int]]:
        """Examples without saved images, unless saving them alone would take a training."""
        missing = {mask_set: self._examples(mask_set).missing for mask_set in self.status.evaluation_ids}
        has_weights = trains or self.variant.weights or not self.variant.model.recipe
        if not any(missing.values()) or has_weights or self.folder.has_trained_weights:
            return missing
        console.print(f"No further images of {self.status.title}: its weights are gone.", markup=False)
        return {mask_set: [] for mask_set in missing}

    def _about(self, mask_set: str) -> dict[str, Any]:
        status = self.status
        return {"method": status.method, "variant": status.variant, "seed": status.seed, "mask_set": mask_set}
