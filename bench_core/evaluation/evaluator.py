"""Evaluation of one method on one mask set: predict, postprocess, check, measure."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import torch
from torch import Tensor

from bench_core import seeds
from bench_core.data.loader import loader
from bench_core.data.pairs import TestPairs, to_floats
from bench_core.evaluation.examples import SavedExamples
from bench_core.evaluation.measure import BatchMetrics, EvaluationResult, PredictionBatch, StartedBatch
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
MAX_BATCH_EFFECT = 1e-5
"""Difference that a batch may make to a prediction, by rounding."""
LIBRARIES = ("numpy", "opencv-python-headless", "pillow")
"""Libraries that decode images and draw holes."""


def evaluation_id(pairs: TestPairs, test_digest: str, postprocess: str | None = None, together: int = 1) -> str:
    """Name rows by everything that decides which crops meet which holes, and by the post-processing.

    `together` is the number of images whose predictions depend on each other.
    Code counts, too: that of the mask family, and the core's own between an image file and a composite.
    """
    protocol = pairs.protocol.model_dump(include={"size", "resize", "crops", "channels", "seed"})
    family = pairs.mask_set.family
    code = sources.core_sources(EVALUATES) | sources.package_sources(filter(None, [family.draw, family.content]))
    parts = [protocol, test_digest, pairs.mask_set.identity, postprocess, code, sources.library_versions(*LIBRARIES)]
    parts += [together] if together > 1 else []
    return f"{pairs.mask_set.name}-{seeds.digest(parts)[:12]}"


@dataclass
class Evaluator:
    """Evaluation of one method on one mask set."""

    suite: MetricSuite
    method: Method
    pairs: TestPairs
    batch: int
    """Images between two measurements on one rank."""
    workers: int
    """Processes that load images; 0 loads in this process."""
    examples: SavedExamples | None = None
    guide: Guide | None = None
    postprocess: Postprocess | None = None
    group: ProcessGroup = SINGLE_PROCESS
    predict_batch: int = 1
    """Images that are predicted at once. It falls to 1 if the first of them come out differently one by one."""
    batch_dependent: bool = False
    """Keep `predict_batch`, because the method declares that the images of a batch influence each other."""
    _compared: bool = field(default=False, init=False)

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
            measured = self._measured(result, chosen)
            for done, part in enumerate(self.group.parts(chosen, together), start=1):
                # a rank may have no part in a small last batch
                measure = partial(next, measured) if part else lambda: None
                for found in self.group.gather(measure):
                    if found:
                        result.add(found)
                update(min(done * together, len(chosen)))
        return result

    def _measured(self, result: EvaluationResult, indexes: Sequence[int]) -> Iterator[BatchMetrics]:
        """Measure batch after batch. The results of each are fetched when the device works on the next one."""
        started: deque[StartedBatch] = deque()
        for batch in self._predictions(indexes):
            started.append(result.start(batch, [self.pairs.name(index) for index in batch.indexes]))
            if len(started) > 1:
                yield self._fetch(started.popleft())
        yield from map(self._fetch, started)

    def _fetch(self, started: StartedBatch) -> BatchMetrics:
        require_in_range(started.batch.prediction)
        if self.examples:
            self.examples.save(started.batch)
        return started.fetch()

    def _predictions(self, indexes: Sequence[int]) -> Iterator[PredictionBatch]:
        self.method.eval()
        together = self.batch * self.group.world_size
        for pair in loader(self.pairs, together, self.workers, self.suite.device, indexes, self.group):
            image, hole, masked = to_floats(pair, self.suite.device)
            part = pair["index"].tolist()
            guidance = guided(self.guide, pair["image"], self.suite.device)
            prediction = self._predict(part, masked, hole, *guidance).to(image.dtype)
            if self.postprocess:
                prediction = self.postprocess(masked.clone(), hole.clone(), prediction)
            if prediction.shape != image.shape:
                shapes = f"{tuple(prediction.shape)} for images {tuple(image.shape)}"
                raise ValueError(f"the method returned shape {shapes}")
            yield PredictionBatch(part, image, hole, prediction, pair["image"])

    def _predict(self, indexes: list[int], *inputs: Tensor) -> Tensor:
        """Predict images. None may depend on the others undeclared, so the first ones are predicted in both ways."""
        if self.predict_batch == 1 or len(indexes) == 1:
            return self._predict_one_by_one(indexes, *inputs)
        parts = (part.split(self.predict_batch) for part in (tensor.clone() for tensor in inputs))
        together = torch.cat([self.method.predict(*part) for part in zip(*parts, strict=True)])
        if not (self._compared or self.batch_dependent):
            self._compared = True
            alone = self._predict_one_by_one(indexes, *inputs)
            if not (together - alone).abs().max() <= MAX_BATCH_EFFECT:  # also true for NaN
                self.predict_batch = 1
            return alone
        return together

    def _predict_one_by_one(self, indexes: list[int], *inputs: Tensor) -> Tensor:
        predictions = []
        for index, *one in zip(indexes, *(tensor.clone().split(1) for tensor in inputs), strict=True):
            torch.manual_seed(seeds.seed_of("prediction", self.pairs.protocol.seed, index))  # for stochastic methods
            predictions.append(self.method.predict(*one))
        return torch.cat(predictions)


def require_in_range(prediction: Tensor) -> None:
    """Check the values of a prediction, for which the device is waited for.

    Raises:
        ValueError: they are not within [0, 1].
    """
    low, high = prediction.aminmax()
    if not (low >= 0 and high <= 1):  # also false for NaN
        raise ValueError(f"the method's predictions range from {low:g} to {high:g}, outside [0, 1]")
