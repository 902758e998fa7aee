"""What would slow a GPU down, counted on a machine without one: python -m benchmarks.gpu_readiness

Counts the places where a training step and an evaluated batch make the program wait for the GPU, on a device that
pretends to be one, and the graphs into which torch.compile cuts each generator. Writes a table of docs/performance.md.
"""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from bench_core import protocol
from bench_core.conformance.method_under_test import build
from bench_core.data.pairs import Pair, TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.measure import BatchMetrics, StartedBatch
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.plugins import Plugins
from bench_core.recipe import Phase
from bench_core.specs import Precision
from bench_core.training.trainer import Trainer
from bench_perf.cases.training import MethodTraining
from bench_perf.noise_images import NoiseImages
from bench_perf.precision import ExecutionMode
from bench_perf.pretend_cuda import PretendCuda

BATCH = 2
PAGE = Path(__file__).parents[1] / "docs" / "performance.md"
SLOT = re.compile(r"(?<=<!-- python -m benchmarks.gpu_readiness -->\n).*?(?=<!-- end -->)", re.DOTALL)


class CountingTrainer(Trainer):
    """Trainer that notes what each step waits for, but for the first step of each phase."""

    waits: list[list[str]]
    begun: set[str]

    def _step(self, phase: Phase, step: int, batches: Iterator[Pair]) -> dict[str, Tensor]:
        before = len(PretendCuda.current.waits)
        values = super()._step(phase, step, batches)
        if phase.name in self.begun:
            self.waits.append(PretendCuda.current.waits[before:])
        self.begun.add(phase.name)
        return values


def train(name: str, precision: Precision = "32-true", steps_per_phase: int = 2) -> CountingTrainer:
    """Train a narrow network for a few steps of each phase, on the pretended GPU that the caller has entered.

    The first step of a phase may wait for what later steps find made.
    """
    model = Plugins.find().model(name)
    assert model.recipe
    steps = steps_per_phase * len(model.recipe.phases)
    side = model.fixed_size.get("nano", 64)
    training = MethodTraining(name, "nano", side, BATCH, "cuda", ExecutionMode(precision), steps, all_phases=True)
    with TemporaryDirectory() as folder:
        trainer: Any = training.build(training.mode.open_fabric("cuda"), Path(folder))
        trainer.__class__, trainer.waits, trainer.begun = CountingTrainer, [], set()
        trainer.fit(lambda step, values: None)
    return trainer


class CountingEvaluator(Evaluator):
    """Evaluator whose waits for results do not count: they come when the next batch is under way."""

    def _fetch(self, started: StartedBatch) -> BatchMetrics:
        waits = PretendCuda.current.waits
        before = len(waits)
        found = super()._fetch(started)
        del waits[before:]
        return found


def waits_of_batches(name: str, num_batches: int = 3) -> list[str]:
    """Return what batches wait for while they are predicted and measured, without the first one's."""
    subject, waits = build(name, None, None, "cuda"), PretendCuda.current.waits
    rules = protocol.load("quick").override({"size": subject.side, "resize": None, "channels": subject.channels})
    masks = open_sets({"center": rules.masks["center"]}, subject.plugins.records("masks"))["center"]
    images = NoiseImages(num_batches * BATCH, subject.side, subject.channels)
    metrics = [metric for metric in subject.plugins.records("metrics").values() if not metric.weights]
    suite, before = MetricSuite(metrics, subject.device, rules), []
    evaluator = CountingEvaluator(
        suite,
        subject.method,
        TestPairs(rules, images, masks),
        BATCH,
        0,
        guide=subject.guide,
        postprocess=subject.postprocess,
        predict_batch=BATCH,
    )
    evaluator.evaluate(suite.usable, lambda done: before.append(len(waits)))
    return waits[before[0] :]


def num_graphs(name: str, training: bool) -> int:
    """Count the graphs into which torch.compile cuts a generator."""
    subject, calls = build(name, None, None, "cpu"), []
    generator = subject.method.generator
    remember = generator.register_forward_pre_hook(lambda module, args: calls.append(args))
    subject.predict(*subject.input(batch=2))  # two images, one by one
    remember.remove()
    inputs = [torch.cat(pair).clone() for pair in zip(*calls, strict=True)]
    subject.method.train(training)
    torch._dynamo.reset()
    with torch.set_grad_enabled(training), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch._dynamo.explain(generator.forward)(*inputs).graph_count


def table() -> Iterator[str]:
    """Yield the lines of the table in Markdown."""
    yield "| method | waits of a training step | of an evaluated batch | graphs in training | in evaluation |"
    yield "|---|---:|---:|---:|---:|"
    plugins = Plugins.find()
    plugins.load_all()
    for name in (name for name, model in plugins.records("models").items() if model.recipe):
        with PretendCuda().installed():
            steps, batches = max(map(len, train(name).waits)), len(waits_of_batches(name))
        yield f"| `{name}` | {steps} | {batches} | {num_graphs(name, True)} | {num_graphs(name, False)} |"


if __name__ == "__main__":
    lines = "\n".join(table()) + "\n"
    print(lines)
    PAGE.write_text(SLOT.sub(lambda match: lines, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
