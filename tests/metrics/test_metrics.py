"""Metrics of pixels, windows and gradients, each compared with an independent implementation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from support.metric_references import REFERENCES, near_border
from support.paths import SHARED

from bench_core.images import read_image
from bench_core.metrics import bench_metrics, select_metrics
from bench_core.metrics.per_image import ImagePair, compute_metrics
from bench_core.metrics.regions import is_empty, region_arguments, ring
from bench_core.specs import Metric, resolve

CPU = torch.device("cpu")
METRICS = {
    metric.definition: metric for metric in select_metrics(REFERENCES, {m.definition: m for m in bench_metrics()})
}
BUILT = {definition: resolve(metric.build)(CPU) for definition, metric in METRICS.items()}
WINDOWS = {"ssim@skimage": 11, "ssim@mat": 11, "ssim@edgeconnect": 51, "ssim@uniform7": 7, "ms_ssim@wang": 176}
"""Smallest image side of a metric."""
ANY_SIZE = [definition for definition in METRICS if WINDOWS.get(definition, 0) <= 11]
SYMMETRIC = [definition for definition in ANY_SIZE if not definition.startswith("tv")]


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def box(*shape: int) -> torch.Tensor:
    """Return holes that touch the left border."""
    hole = torch.zeros(shape[0], 1, *shape[2:])
    hole[..., shape[2] // 4 : shape[2] // 2 + 1, : shape[3] // 2] = 1
    return hole


def photograph(name: str) -> torch.Tensor:
    image = np.atleast_3d(getattr(data, name)())
    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255


def value(definition: str, one: torch.Tensor, other: torch.Tensor, hole: torch.Tensor) -> torch.Tensor:
    return BUILT[definition](one, other, *region_arguments(METRICS[definition].region, hole))


def tolerance(definition: str) -> float:
    """Return the absolute tolerance: OpenCV filters SSIM in float32."""
    return 5e-7 if "ssim" in definition else 1e-9


def assert_agrees(definition: str, one: torch.Tensor, other: torch.Tensor, hole: torch.Tensor) -> None:
    found = value(definition, one, other, hole)
    assert found.shape == (len(one),)
    triples = zip(one.double().numpy(), other.double().numpy(), hole[:, 0].numpy().astype(int), strict=True)
    for number, (x, y, z) in zip(found.tolist(), triples, strict=True):
        assert number == pytest.approx(float(REFERENCES[definition](x, y, z)), rel=1e-8, abs=tolerance(definition))


@pytest.mark.parametrize("shape", [(3, 3, 32, 32), (2, 3, 13, 64), (2, 1, 40, 23), (1, 3, 11, 11)])
@pytest.mark.parametrize("definition", ANY_SIZE)
def test_values_agree_with_the_reference_on_noise(definition: str, shape: tuple[int, ...]) -> None:
    assert_agrees(definition, noise(*shape), noise(*shape, seed=1), box(*shape))


@pytest.mark.parametrize("definition", METRICS)
def test_values_agree_with_the_reference_on_photographs(definition: str) -> None:
    for name in ("chelsea", "camera"):
        image = photograph(name)[..., 20:240, 10:221]
        hole = box(*image.shape)
        assert_agrees(definition, torch.where(hole.bool(), 0.5, image), image, hole)
        assert_agrees(definition, (image + 0.05 * noise(*image.shape)).clamp(0, 1), image, hole)


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs published images beside the repository")
@pytest.mark.parametrize("definition", METRICS)
def test_values_agree_with_the_reference_on_published_results(definition: str) -> None:
    folder = SHARED / "published_results" / "madf"
    names = ("celeba_case1", "celeba_case2")
    for name in names:
        image, output, black = (read_image(folder / f"{name}{end}.png") for end in ("", "_output", "_mask"))
        part = np.s_[100:420, 90:430]
        one, other = (torch.from_numpy(x[part].transpose(2, 0, 1).copy())[None] / 255 for x in (output, image))
        assert_agrees(
            definition, one, other, torch.from_numpy((black[part][None, None, ..., 0] < 128).astype(np.float32))
        )


@pytest.mark.parametrize("definition", SYMMETRIC)
def test_a_perfect_match_has_the_best_value(definition: str) -> None:
    best = {"psnr": float("inf"), "ssim": 1}.get(METRICS[definition].name, 0)
    for image in (noise(2, 3, 32, 32), torch.zeros(2, 3, 32, 32), torch.ones(2, 1, 32, 32)):
        assert value(definition, image, image, box(2, 3, 32, 32)).tolist() == pytest.approx([best] * 2, abs=1e-12)


@pytest.mark.parametrize("definition", SYMMETRIC)
def test_every_metric_is_symmetric_and_worsens_with_the_damage(definition: str) -> None:
    image, other, hole = noise(2, 3, 24, 24), noise(2, 3, 24, 24, seed=1).square(), box(2, 3, 24, 24)
    torch.testing.assert_close(value(definition, image, other, hole), value(definition, other, image, hole))
    slight, heavy = (value(definition, image.lerp(other, share), image, hole) for share in (0.1, 0.5))
    better = slight > heavy if METRICS[definition].better == "higher" else slight < heavy
    assert better.all()


@given(st.integers(1, 5), st.sampled_from([1, 3]), st.integers(11, 20), st.integers(11, 20), st.integers(0, 99))
def test_a_batch_equals_its_images_one_by_one(count: int, channels: int, height: int, width: int, seed: int) -> None:
    one, other = noise(count, channels, height, width, seed=seed), noise(count, channels, height, width, seed=seed + 1)
    hole = (noise(count, 1, height, width, seed=seed + 2) > 0.5).float()
    for definition in ANY_SIZE:
        alone = [value(definition, *(part[None] for part in parts)) for parts in zip(one, other, hole, strict=True)]
        torch.testing.assert_close(value(definition, one, other, hole), torch.cat(alone), rtol=1e-12, atol=1e-12)


@given(st.lists(st.sampled_from(ANY_SIZE), min_size=1, unique=True), st.integers(0, 99))
def test_metrics_computed_together_equal_metrics_computed_alone(definitions: list[str], seed: int) -> None:
    """Any selection in any order. A metric that cannot share is called as it is."""
    one, other = noise(3, 3, 16, 19, seed=seed), noise(3, 3, 16, 19, seed=seed + 1)
    hole = (noise(3, 1, 16, 19, seed=seed + 2) > 0.5).float()
    regions = [region_arguments(METRICS[definition].region, hole) for definition in definitions]
    metrics = [BUILT[definition] for definition in definitions]
    found = compute_metrics([lambda x, y: (x - y).mean((1, 2, 3)), *metrics], [(), *regions], one, other)
    torch.testing.assert_close(found[0], (one - other).mean((1, 2, 3)))
    for definition, values in zip(definitions, found[1:], strict=True):
        torch.testing.assert_close(values, value(definition, one, other, hole), rtol=0, atol=0)


@pytest.mark.parametrize("definition", METRICS)
def test_whole_batches_as_on_a_gpu_give_the_same_values(definition: str) -> None:
    one, other, hole = noise(2, 3, 176, 180), noise(2, 3, 176, 180, seed=1), box(2, 3, 176, 180)
    region = (part.double() for part in region_arguments(METRICS[definition].region, hole))
    metric = BUILT[definition]
    found = metric.transform(metric.compute(ImagePair(one.double(), other.double()), *region))
    torch.testing.assert_close(found, value(definition, one, other, hole), rtol=1e-10, atol=tolerance(definition))


def test_small_differences_do_not_vanish_in_single_precision() -> None:
    image = torch.full((1, 3, 16, 16), 0.75)
    found = value("psnr@full", image + 2**-20, image, box(1, 3, 16, 16))
    assert found.item() == pytest.approx(200 * np.log10(4), rel=1e-12)


@pytest.mark.parametrize(("definition", "side"), WINDOWS.items())
def test_an_image_smaller_than_the_window_is_rejected(definition: str, side: int) -> None:
    fits = noise(1, 3, side, side + 3)
    assert value(definition, fits, fits, box(*fits.shape)).item() == pytest.approx(1)
    for shape in ((1, 3, side - 1, side), (1, 3, side, side - 1)):
        with pytest.raises(ValueError, match=f"at least {side} pixels"):
            value(definition, noise(*shape), noise(*shape), box(*shape))


@pytest.mark.parametrize("definition", [name for name, metric in METRICS.items() if metric.region != "full"])
def test_a_metric_over_an_empty_region_has_no_value(definition: str) -> None:
    """Neither on a CPU, image by image, nor in the batches of a GPU, where other images have values."""
    metric, one, other = METRICS[definition], noise(2, 3, 16, 16), noise(2, 3, 16, 16, seed=1)
    for fill in (0.0, 1.0):
        hole = torch.stack([torch.full((1, 16, 16), fill), box(1, 3, 16, 16)[0]])
        empty = {"known": fill == 1, "hole": fill == 0}.get(metric.region, True)
        assert is_empty(metric.region, hole).tolist() == [empty, False]
        region = region_arguments(metric.region, hole)
        built = BUILT[definition]
        batch = built.transform(built.compute(ImagePair(one.double(), other.double()), *(r.double() for r in region)))
        for values in (built(one, other, *region), batch):
            assert values.isnan().tolist() == [empty, False]


@given(st.integers(1, 9), st.integers(0, 99))
def test_the_ring_contains_the_pixels_near_the_border_of_the_hole(width: int, seed: int) -> None:
    hole = (noise(1, 1, 20, 24, seed=seed) > 0.9).float()
    np.testing.assert_array_equal(
        ring(hole, width)[0, 0].bool().numpy(), near_border(hole[0, 0].numpy().astype(int), width)
    )


def test_values_lie_within_the_stated_bounds() -> None:
    """Bounds hold for extreme images, too."""
    images = [torch.zeros(1, 3, 12, 12), torch.ones(1, 3, 12, 12), (noise(1, 3, 12, 12) > 0.5).float()]
    for definition in ANY_SIZE:
        low, high = METRICS[definition].bounds
        for one in images:
            for other in images:
                assert low - 1e-12 <= value(definition, one, other, box(1, 3, 12, 12)).item() <= high + 1e-12


def test_every_definition_is_unique_and_complete() -> None:
    metrics = bench_metrics()
    assert len({metric.definition for metric in metrics}) == len({metric.title for metric in metrics}) == len(metrics)
    for metric in metrics:
        name, at, variant = metric.definition.partition("@")
        assert all((name, at, variant, metric.title, metric.text)), metric
        assert callable(resolve(metric.build))
        assert (metric.per == "set") == bool(metric.features) == bool(metric.compare)
        assert not metric.compare or callable(resolve(metric.compare))


def test_metrics_that_share_features_share_their_extractor() -> None:
    builds: dict[str, set[str]] = {}
    for metric in bench_metrics():
        if isinstance(metric, Metric) and metric.features:
            builds.setdefault(metric.features, set()).add(metric.build)
    assert len(builds) == 2
    assert all(len(build) == 1 for build in builds.values())


def test_ms_ssim_of_a_negative_is_zero() -> None:
    image = noise(1, 3, 176, 180)
    assert value("ms_ssim@wang", 1 - image, image, box(1, 3, 176, 180)).item() == 0
