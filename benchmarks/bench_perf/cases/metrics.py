"""How many pairs a second are measured."""

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
from bench_perf.cases.libraries import BARE, Bare, pytorch_fid
from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings
from bench_perf.timing import settled

PAIRS = 16
"""How many are measured at a time."""
FEATURES = (2500, 2048)
"""Images and features of each set in the Frechet distance: more images than features, or pytorch-fid is inexact."""


def cases(settings: Settings) -> Iterator[Case]:
    """At the smallest size: metrics beside a library, all together that need no network, and the Frechet distance."""
    size, known = min(settings.sizes), settings.plugins.records("metrics")
    for definition, (library, bare) in BARE.items():
        ours = Candidate("ours", partial(_ours, settings, [known[definition]], size))
        theirs = Candidate(library, partial(_bare, settings, bare, known[definition], size))
        yield Case("metrics", f"{definition} {size}", (ours, theirs), "pairs", PAIRS, tolerance=1e-6)
    light = [metric for metric in known.values() if metric.per == "image" and metric.weights is None]
    together = Candidate("ours", partial(_ours, settings, light, size))
    yield Case("metrics", f"all {len(light)} without a network {size}", (together,), "pairs", PAIRS)
    ways = {"ours": frechet_distance, "pytorch-fid": pytorch_fid}
    both = tuple(Candidate(name, partial(_frechet, distance)) for name, distance in ways.items())
    yield Case("metrics", f"Frechet distance {FEATURES[0]} x {FEATURES[1]}", both, "distances", tolerance=1e-6)


def _ours(settings: Settings, metrics: list[Metric], size: int, cleanup: ExitStack) -> Runner:
    picture, image, hole = _pairs(size, settings.place)
    regions = [region_arguments(metric.region, hole) for metric in metrics]
    measures = [resolve(metric.build)(settings.place) for metric in metrics]

    def run() -> Tensor:
        if metrics[0].per == "set":
            return measures[0](picture)
        return torch.cat(compute_metrics(measures, regions, picture, image))

    return Runner(settled(run, settings.place))


def _bare(settings: Settings, bare: Bare, metric: Metric, size: int, cleanup: ExitStack) -> Runner:
    picture, image, _ = _pairs(size, settings.place)
    return Runner(settled(bare(resolve(metric.build)(settings.place), picture, image), settings.place))


def _pairs(size: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Pictures of 8 bits, images, and holes of a quarter of the image."""
    drawn = torch.from_numpy(seeds.generator("pairs").integers(0, 256, (2, PAIRS, 3, size, size)))
    picture, image = (drawn.float() / 255).to(device)
    hole = torch.zeros(PAIRS, 1, size, size, device=device)
    hole[..., : size // 2, : size // 2] = 1
    return picture, image, hole


def _frechet(distance: Callable[[np.ndarray, np.ndarray], float], cleanup: ExitStack) -> Runner:
    found, truth = seeds.generator("features").normal(size=(2, *FEATURES))
    return Runner(lambda: distance(found, truth))
