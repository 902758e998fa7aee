"""Evaluation of one method on one mask set: predict, postprocess, check, measure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from bench_core import seeds
from bench_core.data.loader import loader
from bench_core.data.pairs import TestPairs, to_floats
from bench_core.evaluation.examples import SavedExamples
from bench_core.evaluation.measure import BatchMetrics, EvaluationResult, PredictionBatch
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.methods.method import Guide, Method, Postprocess, guided
from bench_core.specs import Metric
from bench_core.system import sources
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup

EVALUATES = (
    "data",
    "evaluation",
    "images.py",
    "masks/mask_images.py",
    "masks/mask_set.py",
    "methods/method.py",
    "seeds.py",
)
"""Sources of the core that decode, crop, predict and composite."""
LIBRARIES = ("numpy", "opencv-python-headless", "pillow")
"""Libraries that decode images and draw holes."""


def evaluation_id(pairs: TestPairs, test_digest: str, postprocess: str | None = None) -> str:
    """Name rows by everything that decides which crops meet which holes, and by the post-processing.

    Code counts, too: that of the mask family, and the core's own between an image file and a composite.
    """
    protocol = pairs.protocol.model_dump(include={"size", "resize", "crops", "channels", "seed"})
    family = pairs.mask_set.family
    code = sources.core_sources(EVALUATES) | sources.package_sources(filter(None, [family.draw, family.content]))
    parts = [protocol, test_digest, pairs.mask_set.identity, postprocess, code, sources.library_versions(*LIBRARIES)]
    return f"{pairs.mask_set.name}-{seeds.digest(parts)[:12]}"


@dataclass
class Evaluator:
    """Evaluation of one method on one mask set."""

    suite: MetricSuite
    method: Method
    pairs: TestPairs
    batch: int
    """Images between two measurements on one rank. Predictions are made one by one."""
    workers: int
    """Processes that load images; 0 loads in this process."""
    examples: SavedExamples | None = None
    guide: Guide | None = None
    postprocess: Postprocess | None = None
    group: ProcessGroup = SINGLE_PROCESS

    def evaluate(
        self, metrics: list[Metric], update: Callable[[int], None], indexes: Sequence[int] | None = None
    ) -> EvaluationResult:
        """Predict and measure every pair, or only those at `indexes`.

        Each rank evaluates its part, and all ranks return the whole result. `update` is called with the number of
        pairs that are done.

        Raises:
            ValueError: the method returned an image of another shape, or outside [0, 1].
        """
        result = EvaluationResult(self.suite, metrics)
        chosen = range(len(self.pairs)) if indexes is None else indexes
        cuda = [self.suite.device] if self.suite.device.type == "cuda" else []
        together = self.batch * self.group.world_size
        with torch.random.fork_rng(cuda), torch.inference_mode():
            batches = self._predictions(chosen)
            for done, part in enumerate(self.group.parts(chosen, together), start=1):
                # a rank may have no part in a small last batch
                measure = partial(self._measure, result, batches) if part else lambda: None
                for found in self.group.gather(measure):
                    if found:
                        result.add(found)
                update(min(done * together, len(chosen)))
        return result

    def _measure(self, result: EvaluationResult, batches: Iterator[PredictionBatch]) -> BatchMetrics | None:
        batch = next(batches)
        return result.measure(batch, [self.pairs.name(index) for index in batch.indexes])

    def _predictions(self, indexes: Sequence[int]) -> Iterator[PredictionBatch]:
        self.method.eval()
        together = self.batch * self.group.world_size
        for pair in loader(self.pairs, together, self.workers, self.suite.device, indexes, self.group):
            image, hole, masked = to_floats(pair, self.suite.device)
            part = pair["index"].tolist()
            prediction = self._predict(part, masked, hole, *guided(self.guide, image)).to(image.dtype)
            if self.postprocess:
                prediction = self.postprocess(masked.clone(), hole.clone(), prediction)
            require_valid(prediction, image)
            batch = PredictionBatch(part, image, hole, prediction)
            if self.examples:
                self.examples.save(batch)
            yield batch

    def _predict(self, indexes: list[int], *inputs: Tensor) -> Tensor:
        """Predict one image at a time, so that no prediction depends on the other images of a batch."""
        predictions = []
        for index, *one in zip(indexes, *(tensor.clone().split(1) for tensor in inputs), strict=True):
            torch.manual_seed(seeds.seed_of("prediction", self.pairs.protocol.seed, index))  # for stochastic methods
            predictions.append(self.method.predict(*one))
        return torch.cat(predictions)


def require_valid(prediction: Tensor, image: Tensor) -> None:
    """Check that a prediction is an image.

    Raises:
        ValueError: it has not the image's shape, or is not within [0, 1].
    """
    if prediction.shape != image.shape:
        raise ValueError(f"the method returned shape {tuple(prediction.shape)} for images {tuple(image.shape)}")
    low, high = prediction.aminmax()
    if not (low >= 0 and high <= 1):  # also false for NaN
        raise ValueError(f"the method's predictions range from {low:g} to {high:g}, outside [0, 1]")
