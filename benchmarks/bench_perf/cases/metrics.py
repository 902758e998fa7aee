"""Image pairs per second of our metrics and of the libraries that define them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import numpy as np
import torch
from torch import Tensor

from bench_core import seeds
from bench_core.metrics.fid import frechet_distance
from bench_core.metrics.per_image import compute_metrics
from bench_core.metrics.regions import region_arguments
from bench_core.specs import Metric, resolve
from bench_perf.cases.metric_libraries import LIBRARIES, LibraryRun, pytorch_fid
from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings
from bench_perf.timing import synchronized

PAIRS = 16
"""Pairs per run."""
FEATURES = (2500, 2048)
"""Images and features per set for the Frechet distance. With fewer images than features pytorch-fid is inexact."""


def cases(settings: Settings) -> Iterator[Case]:
    """Yield metrics with a library, all network-free metrics and the Frechet distance, at the smallest size."""
    size, known = min(settings.sizes), settings.plugins.records("metrics")
    for definition, (library, make_run) in LIBRARIES.items():
        ours = Candidate("ours", partial(_open_ours, settings, [known[definition]], size))
        theirs = Candidate(library, partial(_open_library, settings, make_run, known[definition], size))
        yield Case("metrics", f"{definition} {size}", (ours, theirs), "pairs", PAIRS, tolerance=1e-6)
    # Evaluation computes them together, since they share intermediate results.
    network_free = [metric for metric in known.values() if metric.per == "image" and metric.weights is None]
    ours = Candidate("ours", partial(_open_ours, settings, network_free, size))
    yield Case("metrics", f"all {len(network_free)} without a network {size}", (ours,), "pairs", PAIRS)
    yield frechet_case(FEATURES)


def frechet_case(shape: tuple[int, int]) -> Case:
    """Make the case of the Frechet distance of two feature sets of a shape (images, features)."""

    def open_distance(distance: Callable[[np.ndarray, np.ndarray], float], cleanup: ExitStack) -> Runner:
        predicted, expected = seeds.generator("features").normal(size=(2, *shape))
        return Runner(lambda: distance(predicted, expected))

    implementations = {"ours": frechet_distance, "pytorch-fid": pytorch_fid}
    candidates = tuple(Candidate(name, partial(open_distance, each)) for name, each in implementations.items())
    return Case("metrics", f"Frechet distance {shape[0]} x {shape[1]}", candidates, "distances", tolerance=1e-6)


def _open_ours(settings: Settings, metrics: list[Metric], size: int, cleanup: ExitStack) -> Runner:
    device = settings.torch_device
    prediction, image, hole = _pairs(size, device)
    regions = [region_arguments(metric.region, hole) for metric in metrics]
    functions = [resolve(metric.build)(device) for metric in metrics]

    def run() -> Tensor:
        if metrics[0].per == "set":
            return functions[0](prediction)
        return torch.cat(compute_metrics(functions, regions, prediction, image))

    return Runner(synchronized(run, device))


def _open_library(settings: Settings, make_run: LibraryRun, metric: Metric, size: int, cleanup: ExitStack) -> Runner:
    device = settings.torch_device
    prediction, image, _ = _pairs(size, device)
    return Runner(synchronized(make_run(resolve(metric.build)(device), prediction, image), device))


def _pairs(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Make 8-bit predictions and images, and holes that cover a quarter of each."""
    drawn = torch.from_numpy(seeds.generator("pairs").integers(0, 256, (2, PAIRS, 3, size, size)))
    prediction, image = (drawn.float() / 255).to(device)
    hole = torch.zeros(PAIRS, 1, size, size, device=device)
    hole[..., : size // 2, : size // 2] = 1
    return prediction, image, hole
