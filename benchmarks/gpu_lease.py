"""All that is worth measuring on a GPU that you have for eight minutes: python -m benchmarks.gpu_lease OUT.jsonl

Each result is a line of JSON, written at once. Sections come in the order of their worth, and each has a number of
seconds after which it stops, whatever it has measured. `--pretend` runs everything on a device that pretends to be a
GPU, with narrow networks, to see that the program works; its times mean nothing.
"""

import argparse
import json
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

import torch

from bench_core import protocol
from bench_core.conformance.method_under_test import build
from bench_core.data.pairs import Pair, TestPairs
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.plugins import Plugins
from bench_core.recipe import Phase
from bench_core.specs import Scale
from bench_core.training.trainer import Trainer
from bench_perf.cases.forward import InferenceCase
from bench_perf.cases.training import MethodTraining
from bench_perf.noise_images import NoiseImages
from bench_perf.precision import PRECISIONS, ExecutionMode
from bench_perf.pretend_cuda import PretendCuda
from bench_perf.roofline import best_kernel
from bench_perf.timing import synchronize

Records = Iterator[dict[str, Any]]
DEVICE = torch.device("cuda", 0)


@dataclass(frozen=True)
class Lease:
    """The networks to measure, and how large."""

    methods: tuple[str, ...]
    scale: Scale = "paper"
    size: int = 256
    batch: int = 16
    rounds: int = 10

    def side(self, method: str) -> int:
        """Return the side of a method's images in pixels."""
        return Plugins.find().model(method).fixed_size.get(self.scale, self.size)

    def inputs(self, method: str, batch: int, device: str = "cuda") -> tuple[Any, tuple[torch.Tensor, ...]]:
        return InferenceCase(method, self.scale, self.side(method), batch, device).build()

    def each(self, measure: Callable[["Lease", str], Records]) -> Records:
        """Measure every method. One that fails has a record with the error, and the next goes on."""
        for method in self.methods:
            try:
                for record in measure(self, method):
                    yield {"method": method, **record}
            except Exception as error:
                yield {"method": method, "error": f"{type(error).__name__}: {error}"}

    def seconds(self, run: Callable[[], Any]) -> float:
        """Return the shortest time of several runs, of which the first warms up."""
        times = []
        for _ in range(self.rounds + 1):
            began = time.perf_counter()
            run()
            synchronize(DEVICE)
            times.append(time.perf_counter() - began)
        return min(times[1:])


def ceilings(lease: Lease) -> Records:
    """Rates of the fastest kernels, in TFLOP/s."""
    for precision in PRECISIONS:
        kernel = best_kernel(DEVICE, precision)
        yield {"precision": precision, "kernel": kernel.name, "tflops": kernel.flops / lease.seconds(kernel.run) / 1e12}


def steps(lease: Lease, method: str) -> Records:
    """Steps of every phase: are all weights finite, how long does one take, how much memory."""
    for precision in PRECISIONS:
        yield _train(lease, method, ExecutionMode(precision))


def compiled_steps(lease: Lease, method: str) -> Records:
    """The same with a generator that torch.compile rewrote."""
    yield _train(lease, method, ExecutionMode(compiled=True))


def _train(lease: Lease, method: str, mode: ExecutionMode) -> dict[str, Any]:
    recipe = Plugins.find().model(method).recipe
    assert recipe
    steps, side = lease.rounds * len(recipe.phases), lease.side(method)
    training = MethodTraining(method, lease.scale, side, lease.batch, "cuda", mode, steps, all_phases=True)
    torch.cuda.reset_peak_memory_stats()
    with TemporaryDirectory() as folder:
        trainer = training.build(mode.open_fabric("cuda"), Path(folder))
        mode.prepare(trainer.method.generator)
        trainer.fit(lambda step, values: None)
    return {
        "precision": mode.precision,
        "finite": all(bool(value.isfinite().all()) for value in trainer.method.state_dict().values()),
        "seconds_per_step": trainer.seconds_per_step,
        "waiting_share": trainer.waiting_share,
        "skipped_updates": trainer.state.skipped_updates,
        "peak_mib": torch.cuda.max_memory_allocated() / 2**20,
    }


class StrictTrainer(Trainer):
    """Trainer whose steps raise where they wait for the GPU, except the first one."""

    def _step(self, phase: Phase, step: int, batches: Iterator[Pair]) -> dict[str, torch.Tensor]:
        _forbid_waits(step > 0)
        try:
            return super()._step(phase, step, batches)
        finally:
            _forbid_waits(False)


def _forbid_waits(forbidden: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch says that it does not find all of them
        torch.cuda.set_sync_debug_mode("error" if forbidden else "default")


def waits(lease: Lease, method: str) -> Records:
    """Whether a training step waits for the GPU, as far as PyTorch finds it."""
    side = Plugins.find().model(method).fixed_size.get("nano", 64)
    training = MethodTraining(method, "nano", side, 2, "cuda", steps=3)
    with TemporaryDirectory() as folder:
        trainer: Any = training.build(training.mode.open_fabric("cuda"), Path(folder))
        trainer.__class__ = StrictTrainer
        trainer.fit(lambda *progress: None)
    yield {"waits": False}


@torch.inference_mode()
def predictions(lease: Lease, method: str) -> Records:
    """Largest difference between predictions on the GPU and on the CPU."""
    both = (lease.inputs(method, 1, device) for device in ("cuda", "cpu"))
    found, expected = (subject.method.predict(*inputs).cpu() for subject, inputs in both)
    yield {"difference": (found - expected).abs().max().item()}


@torch.inference_mode()
def prediction_times(lease: Lease, method: str) -> Records:
    """Seconds of a prediction of one image and of eight, and of one that a CUDA graph replays."""
    for batch in (8, 1):
        subject, inputs = lease.inputs(method, batch)
        predict = partial(subject.method.predict, *inputs)
        yield {"batch": batch, "seconds": lease.seconds(predict)}
    yield {"batch": 1, "replayed": True, "seconds": lease.seconds(_recorded(predict))}


def _recorded(predict: Callable[[], torch.Tensor]) -> Callable[[], None]:
    """Record a prediction as a CUDA graph, and return what replays it."""
    side, graph = torch.cuda.Stream(), torch.cuda.CUDAGraph()
    with torch.cuda.stream(side):
        for _ in range(3):
            predict()
    torch.cuda.current_stream().wait_stream(side)
    with torch.cuda.graph(graph):
        predict()
    return graph.replay


def evaluation(lease: Lease) -> Records:
    """Images per second of prediction and measurement, by the number of processes that load them."""
    method = next(name for name in lease.methods if lease.side(name) == lease.size)
    subject = build(method, None, lease.scale, "cuda")
    rules = protocol.load("quick").override({"size": lease.size, "resize": None})
    masks = open_sets({"center": rules.masks["center"]}, subject.plugins.records("masks"))["center"]
    metrics = [metric for metric in subject.plugins.records("metrics").values() if not metric.weights]
    suite, count = MetricSuite(metrics, subject.device, rules), 16 * lease.rounds
    pairs = TestPairs(rules, NoiseImages(count, lease.size), masks)
    for workers in (0, 4, 8):
        evaluator = Evaluator(suite, subject.method, pairs, 8, workers, predict_batch=8)
        began = time.perf_counter()
        evaluator.evaluate(suite.usable, lambda done: None)
        yield {"workers": workers, "images_per_second": count / (time.perf_counter() - began)}


def tests(lease: Lease) -> Records:
    """The tests that need a GPU."""
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "tests/test_gpu.py", "-p", "no:cacheprovider"]
    done = subprocess.run(command, capture_output=True, text=True)
    yield {"code": done.returncode, "end": done.stdout[-1500:]}


SECTIONS: dict[str, tuple[float, Callable[[Lease], Records]]] = {
    "ceilings": (15, ceilings),
    "waits": (30, lambda lease: lease.each(waits)),
    "predictions": (40, lambda lease: lease.each(predictions)),
    "steps": (150, lambda lease: lease.each(steps)),
    "prediction_times": (60, lambda lease: lease.each(prediction_times)),
    "evaluation": (40, evaluation),
    "tests": (60, tests),
    "compiled_steps": (60, lambda lease: lease.each(compiled_steps)),
}
"""Seconds of each section, and what it measures."""


def measure(lease: Lease, file: TextIO, only: list[str] | None = None) -> None:
    """Run the sections, and write each record as it comes. A section that fails does not stop the next."""
    for name in only or SECTIONS:
        (limit, section), began = SECTIONS[name], time.monotonic()
        try:
            for record in section(lease):
                _write(file, name, record)
                if time.monotonic() - began > limit:
                    _write(file, name, {"stopped_after": limit})
                    break
        except Exception as error:
            _write(file, name, {"error": f"{type(error).__name__}: {error}"})


def _write(file: TextIO, section: str, record: dict[str, Any]) -> None:
    line = {"section": section, "device": torch.cuda.get_device_name(), "time": round(time.time(), 1), **record}
    for each in (file, sys.stdout):
        print(json.dumps(line), file=each, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("output", type=Path)
    parser.add_argument("--pretend", action="store_true", help="use narrow networks on a device that pretends")
    parser.add_argument("--only", nargs="*", help="sections to run")
    given = parser.parse_args()
    models = Plugins.all().records("models").items()
    methods = tuple(name for name, model in models if model.recipe and ":" not in name)
    lease = Lease(methods, "nano", 64, 2, 1) if given.pretend else Lease(methods)
    with PretendCuda().installed() if given.pretend else nullcontext(), given.output.open("w") as file:
        measure(lease, file, given.only)


if __name__ == "__main__":
    main()
