"""A method's pictures, painted for the judge."""

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
from bench_core.system.process_group import SINGLE_PROCESS, ProcessGroup


def evaluation_id(pairs: TestPairs, test_digest: str, postprocess: str | None = None) -> str:
    """Names rows by all that decides which crops meet which holes, and by the post-processing."""
    protocol = pairs.protocol.model_dump(include={"size", "resize", "crops", "channels", "seed"})
    return f"{pairs.mask_set.name}-{seeds.digest([protocol, test_digest, pairs.mask_set.identity, postprocess])[:12]}"


@dataclass
class Evaluator:
    """One method on one mask set."""

    suite: MetricSuite
    method: Method
    pairs: TestPairs
    batch: int
    workers: int
    samples: SavedExamples | None = None
    """Which pairs' pictures are kept."""
    guide: Guide | None = None
    postprocess: Postprocess | None = None
    """The method's post-processing."""
    group: ProcessGroup = SINGLE_PROCESS

    def evaluate(
        self, wanted: list[Metric], advance: Callable[[int], None], which: Sequence[int] | None = None
    ) -> EvaluationResult:
        """Measure every pair, or only `which`, with the wanted metrics. Each rank looks at its part, and all get the
        whole judgement.

        Raises:
            ValueError: the method returned something that is no picture of the right shape and range.
        """
        judgement = EvaluationResult(self.suite, wanted)
        indexes = range(len(self.pairs)) if which is None else which
        devices = [self.suite.device] if self.suite.device.type == "cuda" else []
        with torch.random.fork_rng(devices), torch.inference_mode():
            painted = self._painted(indexes)
            for done, part in enumerate(self.group.parts(indexes, self._together), start=1):
                measured = partial(self._measured, judgement, painted)
                for found in self.group.gather(measured if part else _nothing):
                    if found:
                        judgement.take(found)
                advance(min(done * self._together, len(indexes)))
        return judgement

    @property
    def _together(self) -> int:
        """How many pairs are measured between two times that the ranks meet."""
        return self.batch * self.group.world_size

    def _measured(self, judgement: EvaluationResult, batches: Iterator[PredictionBatch]) -> BatchMetrics:
        painted = next(batches)
        return judgement.measured(painted, [self.pairs.name(index) for index in painted.indexes])

    def _painted(self, which: Sequence[int]) -> Iterator[PredictionBatch]:
        self.method.eval()
        for pair in loader(self.pairs, self._together, self.workers, self.suite.device, which, self.group):
            indexes = pair["index"].tolist()
            image, hole, masked = to_floats(pair, self.suite.device)
            prediction = self._predict(indexes, masked, hole, *guided(self.guide, image)).to(image.dtype)
            if self.postprocess:
                prediction = self.postprocess(masked.clone(), hole.clone(), prediction)
            check(prediction, image)
            painted = PredictionBatch(indexes, image, hole, prediction)
            if self.samples:
                self.samples.keep(painted)
            yield painted

    def _predict(self, indexes: list[int], *given: Tensor) -> Tensor:
        """One image at a time, so that no result depends on which others stand beside it in a batch."""
        predictions = []
        for index, *one in zip(indexes, *(tensor.clone().split(1) for tensor in given), strict=True):
            torch.manual_seed(seeds.seed_of("prediction", self.pairs.protocol.seed, index))  # for those that draw
            predictions.append(self.method.predict(*one))
        return torch.cat(predictions)


def _nothing() -> None:
    """What a rank measures that has no part in a small last batch."""


def check(prediction: Tensor, image: Tensor) -> None:
    """Make sure that a prediction is a picture.

    Raises:
        ValueError: it is not of the image's shape, or not within [0, 1].
    """
    if prediction.shape != image.shape:
        raise ValueError(f"the method returned shape {tuple(prediction.shape)} for images {tuple(image.shape)}")
    low, high = prediction.aminmax()
    if not (low >= 0 and high <= 1):  # also false for NaN
        raise ValueError(f"the method's pictures range from {low:g} to {high:g}, outside [0, 1]")
