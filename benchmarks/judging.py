"""How fast pictures are judged, beside the usual ways to compute the same: python -m benchmarks.judging

All take turns in one process, and their values are compared. Networks have random weights: they take the same time.
"""

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from pytorch_fid import inception
from torch import Tensor, nn
from torchvision.models import alexnet

from bench_core import seeds
from bench_core.data.pairs import TestPairs, to_floats
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.measure import EvaluationResult, PredictionBatch, eight_bit
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.methods.method import Method, composite
from bench_core.metrics.fid import frechet_distance
from bench_core.metrics.inception import inception as inception_network
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Metric, resolve
from bench_core.system import files
from bench_core.weights import download
from bench_perf import machine
from bench_perf.cases import libraries
from bench_perf.records import Candidate, Case, Report, Runner
from bench_perf.roofline import best_kernel
from bench_perf.run_case import measured
from bench_perf.settings import Settings
from bench_perf.tables import show
from bench_perf.timing import settled
from benchmarks.noise import Noise
from benchmarks.picture_loop import by_hand, gaussian

CPU, BATCH = torch.device("cpu"), 8
Look = Callable[..., Tensor]
Networks = Callable[[Any, Any], tuple[Look, Look]]
"""From our measures of LPIPS and FID to those that look."""
PARTS = ("metrics", "ssim", "frechet", "overhead")
PROTOCOL = Protocol(
    name="noise",
    image_set="noise",
    size=256,
    masks={"m": MaskSpec(family="free_form")},
    steps=0,
    batch=1,
    metrics=("l1",),
)
ABOUT = {"method": "noise", "variant": "noise", "seed": 0, "mask_set": "m"}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if left out")
    parser.add_argument("--pairs", type=int, default=500, help="that metrics without a network are computed of")
    parser.add_argument("--images", type=int, default=32, help="that networks look at")
    parser.add_argument("--method", default="pconv", help="whose pictures are judged in the overhead")
    parser.add_argument("--json", type=Path, help="write everything that was measured to this file, too")
    asked = parser.parse_args()
    plugins = Plugins.find()
    settings = Settings(plugins, (asked.method,), tuple(asked.parts or PARTS), seconds=0)
    facts = machine.facts(settings)
    with random_weights():
        cases = cases_of(settings, asked.pairs, asked.images)
        rows = [row for case in cases for row in measured(case, 0, partial(best_kernel, CPU))]
    report = Report({**facts, "load_after": machine.load(), "kernels": {}}, tuple(rows))
    show(report)
    if asked.json:
        files.write_json(asked.json, report.as_dict())


def cases_of(settings: Settings, num_pairs: int, num_images: int) -> Iterator[Case]:
    known = settings.plugins.records("metrics")
    light = [metric for metric in known.values() if metric.per == "image" and metric.weights is None]
    every = Candidate("judge", partial(_judge, settings.plugins, light, num_pairs))
    one = Candidate("judge", partial(_judge, settings.plugins, [known["ssim@skimage"]], num_pairs))
    loop = Candidate("loop over scikit-image", partial(_loop, settings.plugins, by_hand, num_pairs))
    ssim = Candidate("loop over scikit-image", partial(_loop, settings.plugins, _ssim_alone, num_pairs))
    ways = {"judge": frechet_distance, "pytorch-fid": libraries.pytorch_fid}
    distances = tuple(Candidate(name, partial(_frechet, way)) for name, way in ways.items())
    looking = [known["lpips@alex"], known["fid@pytorch-fid"]]
    judging = partial(_evaluation, settings, [*light, *looking], num_images)
    bare = partial(_bare, settings, looking, num_images)
    whole = (
        Candidate("bench", partial(judging, True)),
        Candidate("bench, truth looked at anew", partial(judging, False)),
        Candidate(f"{settings.methods[0]}, LPIPS and Inception alone", partial(bare, _packages)),
    )
    harness = (
        Candidate("bench, LPIPS and FID only", partial(_evaluation, settings, looking, num_images, True)),
        Candidate("the same networks, no harness", partial(bare, lambda *ours: ours)),
    )
    parts = {
        "metrics": [Case("metrics", f"all {len(light)} without a network", (every, loop), "pairs", num_pairs, 1e-6)],
        "ssim": [Case("metrics", "ssim@skimage", (one, ssim), "pairs", num_pairs, 1e-6)],
        "frechet": [Case("metrics", "Frechet distance 2500 x 2048", distances, "distances", 1, 1e-6)],
        "overhead": [
            Case("metrics", "a method judged by all, LPIPS and FID", whole, "images", num_images),
            Case("metrics", "a method judged by LPIPS and FID", harness, "images", num_images),
        ],
    }
    yield from (case for name in settings.parts for case in parts[name])


def _pairs(plugins: Plugins, count: int) -> TestPairs:
    (holes,) = open_sets(PROTOCOL.masks, plugins.records("masks")).values()
    return TestPairs(PROTOCOL, Noise(count, PROTOCOL.size), holes)


def _batches(plugins: Plugins, count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Image, hole and prediction, all in 8 bits; a prediction is the next image."""
    pairs = _pairs(plugins, count)
    image, hole = (torch.stack([pairs[index][key] for index in range(count)]) for key in ("image", "hole"))
    return list(zip(*(each.split(BATCH) for each in (image, hole, image.roll(1, 0))), strict=True))


def _judge(plugins: Plugins, metrics: Sequence[Metric], count: int, cleanup: ExitStack) -> Runner:
    judge, batches = MetricSuite(list(metrics), CPU, PROTOCOL), _batches(plugins, count)

    def run() -> np.ndarray:
        judgement = EvaluationResult(judge, list(metrics))
        for image, hole, prediction in batches:
            floats = image.float() / 255, hole.float(), prediction.float() / 255
            judgement.add(judgement.measure(PredictionBatch([], *floats), [str(place) for place in range(len(image))]))
        values = judgement.rows(ABOUT).groupby("metric", observed=True)["value"]
        return np.stack([values.get_group(definition) for definition in sorted(values.groups)])

    return Runner(settled(run, CPU))


def _loop(plugins: Plugins, measure: Callable[..., dict[str, float]], count: int, cleanup: ExitStack) -> Runner:
    batches = _batches(plugins, count)
    pairs = [
        one
        for image, hole, other in batches
        for one in zip(torch.where(hole > 0, other, image), image, hole[:, 0], strict=True)
    ]

    def run() -> np.ndarray:
        with np.errstate(divide="ignore"):  # known pixels are equal, and their PSNR is infinite
            values = [measure(one.numpy() / 255, image.numpy() / 255, hole.numpy()) for one, image, hole in pairs]
        return np.array([[value[definition] for value in values] for definition in sorted(values[0])])

    return Runner(run)


def _ssim_alone(picture: np.ndarray, image: np.ndarray, hole: np.ndarray) -> dict[str, float]:
    return {"ssim@skimage": gaussian(picture, image)}


def _frechet(distance: Callable[[np.ndarray, np.ndarray], float], cleanup: ExitStack) -> Runner:
    found, truth = seeds.generator("features").normal(size=(2, 2500, 2048))
    return Runner(lambda: distance(found, truth))


def _method(settings: Settings) -> Method:
    torch.manual_seed(0)
    model = settings.plugins.model(settings.methods[0])
    return resolve(model.build)("paper", 3, **model.options).eval()


def _evaluation(settings: Settings, wanted: list[Metric], count: int, keep: bool, cleanup: ExitStack) -> Runner:
    judge = MetricSuite(wanted, CPU, PROTOCOL)
    evaluation = Evaluator(judge, _method(settings), _pairs(settings.plugins, count), BATCH, 0)
    if not keep:
        next(judge.function(metric) for metric in wanted if metric.definition == "lpips@alex").room = 0

    def run() -> np.ndarray:
        rows = evaluation.evaluate(wanted, lambda done: None).rows(ABOUT)
        return rows.loc[rows["metric"] == "lpips@alex", "value"].to_numpy()

    return Runner(run)


def _bare(settings: Settings, wanted: list[Metric], count: int, select_metrics: Networks, cleanup: ExitStack) -> Runner:
    """What a script without a harness would call, on pictures that are in memory: no metric but those two."""
    method, batches = _method(settings), _batches(settings.plugins, count)
    lpips, fid = select_metrics(*(resolve(metric.build)(CPU) for metric in wanted))

    def run() -> Tensor:
        values = []
        for image, hole, _ in batches:
            pair = {"image": image, "hole": hole}
            image, hole, masked = to_floats(pair)  # type: ignore[arg-type]
            prediction = torch.cat([method.predict(*one) for one in zip(masked.split(1), hole.split(1), strict=True)])
            picture = composite(image, hole, eight_bit(prediction))
            values.append(lpips(picture, image))
            fid(picture)
        return torch.cat(values)

    return Runner(settled(run, CPU))


def _packages(lpips: Any, fid: Any) -> tuple[Look, Look]:
    """The networks as their packages have them, with the weights of ours; they know no truth from before."""
    distance = deepcopy(lpips.network).to(memory_format=torch.contiguous_format)
    features = inception_network()
    return lambda *pair: distance(*pair, normalize=True).flatten(), lambda picture: features(picture)[0]


@contextmanager
def random_weights() -> Iterator[None]:
    """In place of those that networks would have to find; the same each time."""
    torch.manual_seed(0)
    trunk, whole = alexnet().features.state_dict(), _inception().state_dict()
    with (
        patch.object(download, "load_features", lambda name: trunk),
        patch.object(download, "load", lambda name: whole),
    ):
        yield


def _inception() -> nn.Module:
    with patch.object(inception, "load_state_dict_from_url"), patch.object(nn.Module, "load_state_dict"):
        return inception.fid_inception_v3()


if __name__ == "__main__":
    main()
