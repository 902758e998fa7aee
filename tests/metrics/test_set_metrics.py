"""Metrics of image sets, compared with pytorch-fid, torchmetrics, scipy and explicit formulas."""

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

from bench_core.metrics.fid import frechet_distance
from bench_core.metrics.ids import paired_score, unpaired_score
from bench_core.metrics.inception import INPUT_SIDE, CleanFid, PytorchFid, fold_batch_norms, resize_clean
from bench_core.metrics.kid import kernel_distance
from bench_core.weights import download as weights
from bench_core.weights.download import OFFICIAL, OfficialWeights


def features(count: int, dimensions: int, seed: int) -> np.ndarray:
    """Draw correlated features whose mean and scale depend on the seed."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(dimensions, dimensions)) + 2 * np.eye(dimensions)
    return (rng.normal(size=(count, dimensions)) @ mixing + rng.normal(size=dimensions)) * (1 + seed / 5)


def gaussian(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return found.mean(0), np.atleast_2d(np.cov(found, rowvar=False))


def frechet_by_square_root(one: np.ndarray, other: np.ndarray) -> float:
    """Compute the distance by the square root of a symmetric matrix, which also works for singular covariances."""
    (mean1, cov1), (mean2, cov2) = gaussian(one), gaussian(other)
    values, vectors = linalg.eigh(cov1)
    root = vectors * np.sqrt(values.clip(0)) @ vectors.T
    cross = np.sqrt(linalg.eigvalsh(root @ cov2 @ root).clip(0)).sum()
    return float(((mean1 - mean2) ** 2).sum() + np.trace(cov1) + np.trace(cov2) - 2 * cross)


@pytest.mark.parametrize(("count", "dimensions"), [(500, 16), (300, 64), (65, 8)])
def test_the_distance_agrees_with_pytorch_fid(count: int, dimensions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    sqrtm = linalg.sqrtm
    # the package passes `disp`, which SciPy 1.18 removed
    monkeypatch.setattr(fid_score.linalg, "sqrtm", lambda matrix, disp: (sqrtm(matrix), 0.0))
    one, other = features(count, dimensions, 0), features(count + 7, dimensions, 1)
    expected = fid_score.calculate_frechet_distance(*gaussian(one), *gaussian(other))
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("count", "dimensions"), [(5, 40), (2, 10), (30, 300), (40, 40)])
def test_the_distance_of_few_images_uses_their_singular_covariances(count: int, dimensions: int) -> None:
    one, other = features(count, dimensions, 0), features(count + 1, dimensions, 1)
    assert frechet_distance(one, other) == pytest.approx(frechet_by_square_root(one, other), rel=1e-5)


def test_the_distance_in_one_dimension_has_a_closed_form() -> None:
    """The closed form is (m1 - m2)^2 + (s1 - s2)^2."""
    one, other = np.array([[0.0], [2.0]]), np.array([[1.0], [3.0], [5.0], [7.0]])
    expected = (1 - 4) ** 2 + (np.std([0, 2], ddof=1) - np.std([1, 3, 5, 7], ddof=1)) ** 2
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-12)


@given(st.integers(2, 30), st.integers(1, 30), st.integers(0, 9))
def test_the_distance_is_symmetric_and_zero_for_equal_sets(count: int, dimensions: int, seed: int) -> None:
    one, other = features(count, dimensions, seed), features(count + 3, dimensions, seed + 1)
    scale = frechet_by_square_root(one, np.zeros_like(other))
    assert frechet_distance(one, one[::-1]) == pytest.approx(0, abs=1e-6 * scale)
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one), rel=1e-6, abs=1e-6 * scale)


def test_a_shift_adds_its_square_to_the_distance() -> None:
    one = features(50, 8, 0)
    assert frechet_distance(one, one + 3) == pytest.approx(8 * 3**2, rel=1e-9)


@pytest.mark.parametrize(("one", "other"), [(1, 5), (5, 1), (0, 5)])
def test_fewer_than_two_images_are_rejected(one: int, other: int) -> None:
    for distance in (frechet_distance, kernel_distance):
        with pytest.raises(ValueError, match="at least two images"):
            distance(np.zeros((one, 4)), np.zeros((other, 4)))


@pytest.mark.parametrize(("count", "dimensions"), [(50, 16), (3, 200), (120, 64)])
def test_the_kernel_distance_agrees_with_torchmetrics_and_with_a_loop(count: int, dimensions: int) -> None:
    from torchmetrics.image.kid import poly_mmd

    one, other = features(count, dimensions, 0) / 5, features(count, dimensions, 1) / 5
    expected = poly_mmd(torch.from_numpy(one), torch.from_numpy(other)).item()
    assert kernel_distance(one, other) == pytest.approx(expected, rel=1e-9)
    few = one[:3], other[:4]
    assert kernel_distance(*few) == pytest.approx(kernel_distance_by_loop(*few), rel=1e-9)


def kernel_distance_by_loop(one: np.ndarray, other: np.ndarray) -> float:
    def kernel(x: np.ndarray, y: np.ndarray) -> float:
        return (float(x @ y) / len(x) + 1) ** 3

    within = [np.mean([kernel(x, y) for i, x in enumerate(s) for j, y in enumerate(s) if i != j]) for s in (one, other)]
    return float(sum(within) - 2 * np.mean([kernel(x, y) for x in one for y in other]))


def test_the_kernel_distance_is_unbiased_where_the_frechet_distance_is_not() -> None:
    """For small samples of one distribution its mean is zero, but the Frechet distance is always positive."""
    rng = np.random.default_rng(0)
    kernels, frechets = np.array(
        [(kernel_distance(*pair), frechet_distance(*pair)) for pair in rng.normal(size=(400, 2, 12, 8))]
    ).T
    assert abs(kernels.mean()) < 3 * kernels.std() / 20
    assert frechets.min() > 1


def test_predictions_equal_to_the_ground_truth_are_indistinguishable() -> None:
    """As the paper says: half of the sides are wrong, and no image is strictly more real than itself."""
    truth = features(40, 6, 0)
    assert unpaired_score(truth, truth) == pytest.approx(0.5, abs=0.02)
    assert paired_score(truth, truth) == 0


def test_predictions_separable_from_the_ground_truth_have_the_worst_scores() -> None:
    truth = features(30, 5, 0)
    assert unpaired_score(truth + 100, truth) == paired_score(truth + 100, truth) == 0


def test_discriminative_scores_count_the_sides_of_the_best_plane() -> None:
    """In one dimension the best plane can be found by trying all planes on a grid."""
    found, truth = np.array([[0.0], [1.0], [2.0], [9.0]]), np.array([[8.0], [3.0], [10.0], [11.0]])

    def objective(slope: float, offset: float) -> float:
        values, signs = np.concatenate([found, truth])[:, 0], np.repeat([-1, 1], 4)
        slack = (1 - signs * (slope * values + offset)).clip(0)
        return (slope**2 + offset**2) / 2 + (slack**2).sum()  # scikit-learn also penalises the offset

    slope, offset = min(
        ((s, o) for s in np.linspace(0, 1, 201) for o in np.linspace(-3, 1, 401)), key=lambda p: objective(*p)
    )
    fake, real = (slope * found + offset)[:, 0], (slope * truth + offset)[:, 0]
    assert paired_score(found, truth) == (fake > real).mean() == 0
    assert unpaired_score(found, truth) == ((fake > 0).sum() + (real <= 0).sum()) / 8 == 0.25


def test_discriminative_scores_need_pairs() -> None:
    with pytest.raises(ValueError, match="not 4 predictions and 5 ground truth images"):
        paired_score(np.zeros((4, 2)), np.ones((5, 2)))


def synthetic_state() -> dict[str, torch.Tensor]:
    """Return random weights under the official names."""
    torch.manual_seed(0)
    network = inception._inception_v3(num_classes=1008, aux_logits=False, weights=None)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return network.state_dict()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, torch.Tensor]:
    """Install random weights as if they were official, and return them."""
    found, path = synthetic_state(), tmp_path / "inception.pth"
    torch.save(found, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setitem(OFFICIAL, "inception", OfficialWeights(f"https://nowhere/{path.name}", sha256))
    monkeypatch.setenv("BENCH_WEIGHTS", str(tmp_path))
    weights.locate.cache_clear()
    return found


def test_features_equal_those_of_pytorch_fid(state: dict) -> None:
    images = torch.rand(2, 3, 40, 64, generator=torch.Generator().manual_seed(0))
    with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
        network = inception.InceptionV3(resize_input=False, normalize_input=False).eval()
    extract = PytorchFid(torch.device("cpu"))
    with torch.inference_mode():
        resized = functional.interpolate(images, size=(299, 299), mode="bilinear", align_corners=False)
        expected = network(resized * 2 - 1)[0][:, :, 0, 0]
        found = extract(images)
        grey = extract(images[:, :1])
        repeated = extract(images[:, :1].repeat(1, 3, 1, 1))
    assert found.shape == (2, 2048)
    assert found.std() > 0.01, "the random network distinguishes images"
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(grey, repeated)
    assert inception.load_state_dict_from_url.__module__.startswith("torch"), "the package is restored"


def test_clean_features_use_pillows_resizing(state: dict) -> None:
    images = torch.rand(2, 3, 600, 40, generator=torch.Generator().manual_seed(0))
    expected = torch.stack([torch.stack([resize_by_matrix(channel) for channel in image]) for image in images])
    torch.testing.assert_close(resize_clean(images), expected, rtol=0, atol=1e-5)
    extract = CleanFid(torch.device("cpu"))
    with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
        network = inception.InceptionV3(resize_input=False).eval()
    with torch.inference_mode():
        torch.testing.assert_close(extract(images), network(expected)[0].flatten(1), rtol=1e-3, atol=1e-3)


def resize_by_matrix(channel: torch.Tensor) -> torch.Tensor:
    """Apply Pillow's antialiased bicubic filter as two matrices, then clip."""
    rows, columns = (bicubic_matrix(extent) for extent in channel.shape)
    return torch.from_numpy((rows @ channel.double().numpy() @ columns.T).clip(0, 1)).float()


def bicubic_matrix(extent: int) -> np.ndarray:
    scale = extent / INPUT_SIDE
    support = max(scale, 1)
    weights = np.zeros((INPUT_SIDE, extent))
    for row in range(INPUT_SIDE):
        x = np.abs((np.arange(extent) + 0.5 - (row + 0.5) * scale) / support)
        near, far = 1.5 * x**3 - 2.5 * x**2 + 1, -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
        weights[row] = np.where(x < 1, near, np.where(x < 2, far, 0))
    return weights / weights.sum(1, keepdims=True)


def test_folding_batch_norms_keeps_the_function() -> None:
    """Compare with the package's own network, with batch norms that are not the identity."""
    with patch.object(inception, "load_state_dict_from_url"), patch.object(torch.nn.Module, "load_state_dict"):
        network = inception.InceptionV3().eval()
    generator = torch.Generator().manual_seed(0)
    for norm in (part for part in network.modules() if isinstance(part, torch.nn.BatchNorm2d)):
        for values, low, high in ((norm.running_mean, -0.3, 0.3), (norm.running_var, 0.5, 2), (norm.bias, -0.3, 0.3)):
            assert values is not None
            values.data.uniform_(low, high, generator=generator)
    images = torch.rand(2, 3, 80, 96, generator=generator)
    with torch.inference_mode():
        expected = network(images)[0]
        found = fold_batch_norms(network)(images)[0]
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in network.modules())
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6 * float(expected.abs().max()))
