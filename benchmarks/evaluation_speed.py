"""Compare the speed of evaluation with the usual ways to compute the same: python -m benchmarks.evaluation_speed

Candidates run in alternation in one process, and their values are compared. Networks have random weights, which take
the same time as pretrained ones.
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

from bench_core.data.pairs import TestPairs, to_floats
from bench_core.evaluation.evaluator import Evaluator
from bench_core.evaluation.measure import EvaluationResult, PredictionBatch, eight_bit
from bench_core.evaluation.metric_suite import MetricSuite
from bench_core.masks.mask_set import open_sets
from bench_core.methods import Method, composite
from bench_core.metrics.inception import load_inception as inception_network
from bench_core.plugins import Plugins
from bench_core.protocol import MaskSpec, Protocol
from bench_core.specs import Metric, resolve
from bench_core.system import files
from bench_core.weights import download
from bench_perf.cases.metrics import FEATURES, frechet_case
from bench_perf.noise_images import NoiseImages
from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings
from bench_perf.suite import measure_cases
from bench_perf.tables import show
from bench_perf.timing import synchronized
from benchmarks import scikit_image_loop

CPU, BATCH = torch.device("cpu"), 8
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
COLUMNS = {"method": "noise", "variant": "noise", "seed": 0, "mask_set": "m"}


def main() -> None:
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all if not given")
    parser.add_argument("--pairs", type=int, default=500, help="image pairs for network-free metrics")
    parser.add_argument("--images", type=int, default=32, help="images for metrics with networks")
    parser.add_argument("--method", default="pconv", help="method to evaluate in the part `overhead`")
    parser.add_argument("--json", type=Path, help="also write all measurements to this file")
    args = parser.parse_args()
    settings = Settings(Plugins.find(), (args.method,), tuple(args.parts or PARTS), seconds=0)
    with random_weights():
        report = measure_cases(settings, cases(settings, args.pairs, args.images))
    show(report)
    if args.json:
        files.write_json(args.json, report.as_dict())


def cases(settings: Settings, num_pairs: int, num_images: int) -> Iterator[Case]:
    """Yield the cases of the requested parts."""
    plugins, (method,) = settings.plugins, settings.methods
    known = plugins.records("metrics")
    network_free = [metric for metric in known.values() if metric.per == "image" and metric.weights is None]
    networks = [known["lpips@alex"], known["fid@pytorch-fid"]]
    if "metrics" in settings.parts:
        name = f"all {len(network_free)} without a network"
        yield _beside_scikit_image(plugins, name, network_free, scikit_image_loop.all_metrics, num_pairs)
    if "ssim" in settings.parts:
        ssim = [known["ssim@skimage"]]
        yield _beside_scikit_image(plugins, "ssim@skimage", ssim, scikit_image_loop.only_ssim, num_pairs)
    if "frechet" in settings.parts:
        yield frechet_case(FEATURES)
    if "overhead" in settings.parts:
        evaluate = partial(_evaluation, plugins, method, count=num_images)
        bare = partial(_bare_loop, plugins, method, networks, num_images)
        every = [*network_free, *networks]
        with_all = (
            Candidate("bench", partial(evaluate, every)),
            Candidate("bench, ground truth not cached", partial(evaluate, every, cached=False)),
            Candidate(f"{method}, LPIPS and Inception alone", partial(bare, _package_networks)),
        )
        with_networks = (
            Candidate("bench, LPIPS and FID only", partial(evaluate, networks)),
            Candidate("the same networks, no harness", partial(bare, lambda *ours: ours)),
        )
        yield Case("metrics", "one method, all metrics, LPIPS and FID", with_all, "images", num_images)
        yield Case("metrics", "one method, LPIPS and FID", with_networks, "images", num_images)


def _beside_scikit_image(
    plugins: Plugins, name: str, metrics: list[Metric], loop: Callable[..., dict[str, float]], num_pairs: int
) -> Case:
    candidates = (
        Candidate("bench", partial(_metric_suite, plugins, metrics, num_pairs)),
        Candidate("loop over scikit-image", partial(_scikit_image, plugins, loop, num_pairs)),
    )
    return Case("metrics", name, candidates, "pairs", num_pairs, tolerance=1e-6)


def _pairs(plugins: Plugins, count: int) -> TestPairs:
    (holes,) = open_sets(PROTOCOL.masks, plugins.records("masks")).values()
    return TestPairs(PROTOCOL, NoiseImages(count, PROTOCOL.size), holes)


def _batches(plugins: Plugins, count: int) -> list[tuple[Tensor, Tensor, Tensor]]:
    """Make batches of 8-bit images, holes and predictions. The next image serves as a prediction."""
    pairs = _pairs(plugins, count)
    image, hole = (torch.stack([pairs[index][key] for index in range(count)]) for key in ("image", "hole"))
    return list(zip(*(each.split(BATCH) for each in (image, hole, image.roll(1, 0))), strict=True))


def _metric_suite(plugins: Plugins, metrics: Sequence[Metric], count: int, cleanup: ExitStack) -> Runner:
    suite, batches = MetricSuite(list(metrics), CPU, PROTOCOL), _batches(plugins, count)

    def run() -> np.ndarray:
        result = EvaluationResult(suite, list(metrics))
        for image, hole, prediction in batches:
            floats = image.float() / 255, hole.float(), prediction.float() / 255
            names = [str(index) for index in range(len(image))]
            result.add(result.start(PredictionBatch([], *floats), names).fetch())
        values = result.rows(COLUMNS).groupby("metric", observed=True)["value"]
        return np.stack([values.get_group(definition) for definition in sorted(values.groups)])

    return Runner(synchronized(run, CPU))


def _scikit_image(plugins: Plugins, loop: Callable[..., dict[str, float]], count: int, cleanup: ExitStack) -> Runner:
    pairs = [
        pair
        for image, hole, prediction in _batches(plugins, count)
        for pair in zip(torch.where(hole > 0, prediction, image), image, hole[:, 0], strict=True)
    ]

    def run() -> np.ndarray:
        with np.errstate(divide="ignore"):  # PSNR of equal pixels is infinite
            values = [loop(one.numpy() / 255, image.numpy() / 255, hole.numpy()) for one, image, hole in pairs]
        return np.array([[value[definition] for value in values] for definition in sorted(values[0])])

    return Runner(run)


def _method(plugins: Plugins, name: str) -> Method:
    torch.manual_seed(0)
    model = plugins.model(name)
    return resolve(model.build)("paper", 3, **model.options).eval()


def _evaluation(
    plugins: Plugins, method: str, metrics: list[Metric], cleanup: ExitStack, count: int, cached: bool = True
) -> Runner:
    """Evaluate a method with the harness, with or without cached LPIPS features of the ground truth."""
    suite = MetricSuite(metrics, CPU, PROTOCOL)
    # Evaluation predicts one image at a time, and so does the bare loop below.
    evaluator = Evaluator(suite, _method(plugins, method), _pairs(plugins, count), BATCH, 0)
    if not cached:
        next(suite.function(metric) for metric in metrics if metric.definition == "lpips@alex").room = 0

    def run() -> np.ndarray:
        rows = evaluator.evaluate(metrics, lambda done: None).rows(COLUMNS)
        return rows.loc[rows["metric"] == "lpips@alex", "value"].to_numpy()

    return Runner(run)


def _bare_loop(
    plugins: Plugins,
    method: str,
    metrics: list[Metric],
    count: int,
    choose_networks: Callable[[Any, Any], tuple[Callable[..., Tensor], Callable[..., Tensor]]],
    cleanup: ExitStack,
) -> Runner:
    """Call a method, LPIPS and Inception on images in memory, as a script without a harness does."""
    built, batches = _method(plugins, method), _batches(plugins, count)
    lpips, fid = choose_networks(*(resolve(metric.build)(CPU) for metric in metrics))

    def run() -> Tensor:
        values = []
        for image, hole, _ in batches:
            pair = {"image": image, "hole": hole}
            image, hole, masked = to_floats(pair)  # type: ignore[arg-type]
            prediction = torch.cat([built.predict(*one) for one in zip(masked.split(1), hole.split(1), strict=True)])
            filled = composite(image, hole, eight_bit(prediction))
            values.append(lpips(filled, image))
            fid(filled)
        return torch.cat(values)

    return Runner(synchronized(run, CPU))


def _package_networks(lpips: Any, fid: Any) -> tuple[Callable[..., Tensor], Callable[..., Tensor]]:
    """Return the networks of the packages lpips and pytorch-fid, with the weights of ours and without a cache."""
    distance = deepcopy(lpips.network).to(memory_format=torch.contiguous_format)
    features = inception_network()
    return lambda *pair: distance(*pair, normalize=True).flatten(), lambda images: features(images)[0]


@contextmanager
def random_weights() -> Iterator[None]:
    """Replace downloaded weights of AlexNet and Inception by seeded random ones."""
    torch.manual_seed(0)
    trunk = alexnet().features.state_dict()
    with patch.object(inception, "load_state_dict_from_url"), patch.object(nn.Module, "load_state_dict"):
        whole = inception.fid_inception_v3().state_dict()
    with (
        patch.object(download, "load_features", lambda name: trunk),
        patch.object(download, "load", lambda name: whole),
    ):
        yield


if __name__ == "__main__":
    main()
