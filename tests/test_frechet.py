"""Laws of the Frechet distance and of FID, against pytorch-fid and against the formula written out."""

import hashlib
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pytorch_fid import fid_score, inception
from scipy import linalg
from torch.nn import functional

from bench_core import weights
from bench_core.metrics.frechet import Fid, frechet_distance
from bench_core.weights import OFFICIAL, Weights


def features(count: int, dimensions: int, seed: int) -> torch.Tensor:
    """Correlated features whose mean and scale differ from seed to seed."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) + 2 * np.eye(dimensions)
    return torch.from_numpy(
        (rng.normal(size=(count, dimensions)) @ mixing + rng.normal(size=dimensions)) * (1 + seed / 5)
    )


def gaussian(found: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    return found.numpy().mean(0), np.atleast_2d(np.cov(found.numpy(), rowvar=False))


def written_out(one: torch.Tensor, other: torch.Tensor) -> float:
    """Through the square root of a symmetric matrix, which works for singular covariances too."""
    (mean1, cov1), (mean2, cov2) = gaussian(one), gaussian(other)
    values, vectors = linalg.eigh(cov1)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(linalg.eigvalsh(root @ cov2 @ root).clip(0)).sum()
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * cross)


@pytest.mark.filterwarnings("ignore:.*disp:DeprecationWarning")
@pytest.mark.parametrize(("count", "dimensions"), [(500, 16), (300, 64), (65, 8)])
def test_the_distance_agrees_with_pytorch_fid(count: int, dimensions: int) -> None:
    one, other = features(count, dimensions, 0), features(count + 7, dimensions, 1)
    expected = fid_score.calculate_frechet_distance(*gaussian(one), *gaussian(other))
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("count", "dimensions"), [(5, 40), (2, 10), (30, 300), (40, 40)])
def test_the_distance_of_few_images_is_that_of_their_singular_covariances(count: int, dimensions: int) -> None:
    one, other = features(count, dimensions, 0), features(count + 1, dimensions, 1)
    assert frechet_distance(one, other) == pytest.approx(written_out(one, other), rel=1e-5)


def test_the_distance_of_gaussians_on_a_line_is_the_known_one() -> None:
    """(m1 - m2)^2 + (s1 - s2)^2."""
    one, other = torch.tensor([[0.0], [2.0]]), torch.tensor([[1.0], [3.0], [5.0], [7.0]])
    expected = (1 - 4) ** 2 + (np.std([0, 2], ddof=1) - np.std([1, 3, 5, 7], ddof=1)) ** 2
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-12)


@given(st.integers(2, 30), st.integers(1, 30), st.integers(0, 9))
def test_the_distance_is_symmetric_and_zero_for_equal_sets(count: int, dimensions: int, seed: int) -> None:
    one, other = features(count, dimensions, seed), features(count + 3, dimensions, seed + 1)
    scale = written_out(one, torch.zeros_like(other))
    assert frechet_distance(one, one.flip(0)) == pytest.approx(0, abs=1e-6 * scale)
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-6, abs=1e-6 * scale)


def test_a_shift_moves_the_distance_by_its_square() -> None:
    one = features(50, 8, 0)
    assert frechet_distance(one, one + 3) == pytest.approx(8 * 3**2, rel=1e-9)


@pytest.mark.parametrize(("one", "other"), [(1, 5), (5, 1), (0, 5)])
def test_fewer_than_two_images_have_no_distance(one: int, other: int) -> None:
    with pytest.raises(ValueError, match="at least two images"):
        frechet_distance(torch.zeros(one, 4), torch.zeros(other, 4))


def synthetic_state() -> dict[str, torch.Tensor]:
    """Random weights under the names of the official ones."""
    torch.manual_seed(0)
    network = inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return network.state_dict()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Found by the harness as if they were official."""
    found, path = synthetic_state(), tmp_path / "inception.pth"
    torch.save(found, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(OFFICIAL, "inception", Weights(f"https://nowhere/{path.name}", sha256))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    weights.locate.cache_clear()
    return found


def test_features_are_those_of_pytorch_fid_on_images_resized_and_scaled_as_it_says(state: dict) -> None:
    images = torch.rand(2, 3, 40, 64, generator=torch.Generator().manual_seed(0))
    with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
        network = inception.InceptionV3(resize_input=False, normalize_input=False).eval()
    fid = Fid(torch.device("cpu"))
    with torch.inference_mode():
        resized = functional.interpolate(images, size=(299, 299), mode="bilinear", align_corners=False)
        expected = network(resized * 2 - 1)[0][:, :, 0, 0]
        found = fid.features(images)
        grey = fid.features(images[:, :1])
        repeated = fid.features(images[:, :1].repeat(1, 3, 1, 1))
    assert found.shape == (2, 2048)
    assert found.std() > 0.01, "the random network tells images apart"
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(grey, repeated)
    assert fid.distance(found, grey) == frechet_distance(found, grey)
    assert inception.load_state_dict_from_url.__module__.startswith("torch"), "the package is left as it was"
