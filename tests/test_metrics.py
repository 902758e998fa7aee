"""Laws of the pixel measures and of SSIM, each against an independent implementation, and of choosing among metrics."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from bench_core.errors import BadInput
from bench_core.metrics import bench_metrics, choose, pixels
from bench_core.metrics.ssim import Ssim
from bench_core.specs import Metric, resolve

CPU = torch.device("cpu")
KNOWN = {metric.definition: metric for metric in bench_metrics()}
BETTER = {metric.name: metric.better for metric in bench_metrics()}
MEASURES = {"l1": pixels.l1(CPU), "l2": pixels.l2(CPU), "psnr": pixels.psnr(CPU), "ssim": Ssim(CPU)}
PERFECT = {"l1": 0, "l2": 0, "psnr": float("inf"), "ssim": 1}


def l1(one: np.ndarray, other: np.ndarray) -> Any:
    return np.abs(one - other).mean()


def l2(one: np.ndarray, other: np.ndarray) -> Any:
    return ((one - other) ** 2).mean()


def psnr(one: np.ndarray, other: np.ndarray) -> Any:
    return peak_signal_noise_ratio(other, one, data_range=1)


def ssim(one: np.ndarray, other: np.ndarray) -> Any:
    gaussian: dict[str, Any] = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    return structural_similarity(one, other, data_range=1, channel_axis=0, **gaussian)


REFERENCES = {"l1": l1, "l2": l2, "psnr": psnr, "ssim": ssim}


def noise(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def photograph(name: str) -> torch.Tensor:
    image = np.atleast_3d(getattr(data, name)())
    return torch.from_numpy(image.transpose(2, 0, 1).copy())[None].float() / 255


def agrees(name: str, one: torch.Tensor, other: torch.Tensor) -> None:
    found = MEASURES[name](one, other)
    assert found.shape == (len(one),)
    for value, x, y in zip(found.tolist(), one.double().numpy(), other.double().numpy(), strict=True):
        assert value == pytest.approx(float(REFERENCES[name](x, y)), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("shape", [(3, 3, 32, 32), (2, 3, 11, 64), (2, 1, 40, 23), (1, 3, 11, 11)])
@pytest.mark.parametrize("name", MEASURES)
def test_values_agree_with_the_reference_on_noise(name: str, shape: tuple[int, ...]) -> None:
    agrees(name, noise(*shape), noise(*shape, seed=1))


@pytest.mark.parametrize("photo", ["astronaut", "chelsea", "camera", "coffee"])
@pytest.mark.parametrize("name", MEASURES)
def test_values_agree_with_the_reference_on_photographs(name: str, photo: str) -> None:
    image = photograph(photo)
    hidden = image.clone()
    hidden[..., 100:200, 120:260] = 0.5
    agrees(name, hidden, image)
    agrees(name, (image + 0.05 * noise(*image.shape)).clamp(0, 1), image)


@pytest.mark.parametrize("name", MEASURES)
def test_a_perfect_match_has_the_best_value(name: str) -> None:
    for image in (noise(2, 3, 32, 32), torch.zeros(2, 3, 32, 32), torch.ones(2, 1, 32, 32)):
        assert MEASURES[name](image, image).tolist() == pytest.approx([PERFECT[name]] * 2, abs=1e-12)


@pytest.mark.parametrize("name", MEASURES)
def test_every_measure_is_symmetric_and_falls_with_the_damage(name: str) -> None:
    image, other = noise(2, 3, 24, 24), noise(2, 3, 24, 24, seed=1)
    torch.testing.assert_close(MEASURES[name](image, other), MEASURES[name](other, image))
    slight, heavy = (MEASURES[name](image.lerp(other, share), image) for share in (0.1, 0.5))
    better = slight > heavy if BETTER[name] == "higher" else slight < heavy
    assert better.all()


@given(st.integers(1, 5), st.sampled_from([1, 3]), st.integers(11, 20), st.integers(11, 20), st.integers(0, 99))
def test_a_batch_equals_its_images_one_by_one(count: int, channels: int, height: int, width: int, seed: int) -> None:
    one, other = noise(count, channels, height, width, seed=seed), noise(count, channels, height, width, seed=seed + 1)
    for measure in MEASURES.values():
        alone = torch.cat([measure(x[None], y[None]) for x, y in zip(one, other, strict=True)])
        torch.testing.assert_close(measure(one, other), alone, rtol=1e-12, atol=1e-12)


def test_small_differences_are_not_lost_in_single_precision() -> None:
    image = torch.full((1, 3, 16, 16), 0.75)
    nearly = image + 2**-20
    assert MEASURES["psnr"](nearly, image).item() == pytest.approx(200 * np.log10(4), rel=1e-12)


@pytest.mark.parametrize("shape", [(1, 3, 10, 32), (1, 3, 32, 10), (1, 1, 1, 1)])
def test_an_image_smaller_than_the_window_has_no_ssim(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="at least 11 pixels"):
        MEASURES["ssim"](noise(*shape), noise(*shape))


def test_every_definition_is_unique_and_complete() -> None:
    assert len(KNOWN) == len(bench_metrics())
    for metric in KNOWN.values():
        name, at, variant = metric.definition.partition("@")
        assert all((name, at, variant, metric.title, metric.text))
        assert callable(resolve(metric.build))
        assert (metric.per == "set") == hasattr(resolve(metric.build), "distance")


def test_a_metric_is_chosen_by_bare_name_or_by_definition_in_the_order_asked() -> None:
    chosen = [metric.definition for metric in choose(["psnr", "ssim@skimage", "l1"], KNOWN)]
    assert chosen == ["psnr@full", "ssim@skimage", "l1@full"]
    assert choose([], KNOWN) == []


def test_a_bare_name_means_the_first_definition() -> None:
    second = Metric("ssim@other", "SSIM", "another", "higher", "nowhere:ssim")
    known = {**KNOWN, second.definition: second}
    assert [metric.definition for metric in choose(["ssim", "ssim@other"], known)] == ["ssim@skimage", "ssim@other"]


@pytest.mark.parametrize(("given", "nearest"), [("pnsr", "psnr"), ("ssim@skimag", "ssim@skimage"), ("LPIPS@alex", "")])
def test_an_unknown_metric_is_refused_with_the_nearest(given: str, nearest: str) -> None:
    with pytest.raises(BadInput, match=rf"no metric '{given}'.*{nearest}.*fid@pytorch-fid"):
        choose(["l1", given], KNOWN)
