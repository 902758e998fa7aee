"""The training-free methods against direct calls of OpenCV and numpy."""

import itertools

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from bench_classical import model
from bench_classical.model import mean_color, navier_stokes, telea

ALGORITHMS = pytest.mark.parametrize(
    ("build", "algorithm"), [(telea, cv2.INPAINT_TELEA), (navier_stokes, cv2.INPAINT_NS)]
)
METHODS = pytest.mark.parametrize("build", [mean_color, telea, navier_stokes])
SIDE = 40
SPANS = ((0, 5), (1, 7), (2, 9), (12, 20), (30, SIDE), (30, SIDE - 1), (30, SIDE - 2), (0, SIDE), (1, SIDE))
"""First and last row, or column, of holes at, next to and away from borders, and of whole rows."""


@pytest.fixture
def astronaut() -> tuple[np.ndarray, np.ndarray]:
    """A photograph of 64 x 96 pixels and a hole in it."""
    image_array = data.astronaut()[:64, :96]
    hole = np.zeros((64, 96), np.uint8)
    hole[20:40, 30:70] = 1
    return np.ascontiguousarray(image_array * (1 - hole[..., None])), hole


def as_tensors(image_array: np.ndarray, hole: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.from_numpy(image_array.reshape(*hole.shape, -1)).permute(2, 0, 1)[None].float() / 255
    return image, torch.from_numpy(hole)[None, None].float()


@ALGORITHMS
@pytest.mark.parametrize("channels", [1, 3])
def test_predictions_equal_those_of_opencv(build, algorithm: int, channels: int, astronaut):
    image_array, hole = astronaut
    image_array = np.ascontiguousarray(image_array[..., :channels]).squeeze()
    found = build("paper", channels).predict(*as_tensors(image_array, hole))
    expected = cv2.inpaint(image_array, hole, 3, algorithm)
    assert ((found[0].permute(1, 2, 0) * 255).round().numpy().squeeze() == expected).all()


def test_the_mean_colour_is_that_of_the_known_pixels(astronaut):
    image_array, hole = astronaut
    found = mean_color("paper", 3).predict(*as_tensors(image_array, hole))
    np.testing.assert_allclose(found[0, :, 0, 0], image_array[hole == 0].mean(0) / 255, rtol=1e-5)
    assert (found == found[..., :1, :1]).all()


def holes_at_borders() -> list[np.ndarray]:
    """A box for each pair of spans, those boxes with a second one, and one known pixel."""
    holes = []
    for number, (rows, columns) in enumerate(itertools.product(SPANS, SPANS)):
        hole = np.zeros((SIDE, SIDE), np.uint8)
        hole[slice(*rows), slice(*columns)] = 1
        if number % 2:
            hole[number % 37 :, 22:28] = 1
        holes.append(hole)
    holes[-1] = np.ones((SIDE, SIDE), np.uint8)
    holes.append(holes[-1].copy())
    holes[-1][17, 23] = 0
    return holes


@METHODS
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("radius", [1, 3, 5])
def test_no_prediction_depends_on_hidden_pixels(build, channels: int, radius: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(model, "RADIUS", radius)
    random = np.random.default_rng(0)
    one, other = random.integers(0, 256, (2, SIDE, SIDE, channels), np.uint8)
    for hole in holes_at_borders():
        known = hole[..., None] == 0
        found = [build("paper", channels).predict(*as_tensors(x, hole)) for x in (one, np.where(known, one, other))]
        assert torch.equal(*found), np.argwhere(hole).tolist()


@METHODS
def test_holes_at_borders_are_filled_with_known_colours(build):
    """Black in the hole would show. Telea itself misses a constant by some grey levels."""
    for hole in holes_at_borders()[:-2]:
        image_array = np.full((SIDE, SIDE, 1), 200, np.uint8) * (1 - hole[..., None])
        if not hole.all():
            found = build("paper", 1).predict(*as_tensors(image_array, hole)) * 255
            assert (found - 200).abs().max() <= (10 if build is telea else 0.01)


@ALGORITHMS
def test_holes_away_from_borders_are_filled_as_by_opencv(build, algorithm: int):
    random = np.random.default_rng(0)
    image_array = random.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    for _ in range(50):
        hole = np.zeros((SIDE, SIDE), np.uint8)
        hole[3:-3, 3:-3] = cv2.resize(random.random((8, 8)), (SIDE - 6, SIDE - 6)) > 0.6
        found = build("paper", 3).predict(*as_tensors(image_array, hole))
        expected = cv2.inpaint(image_array, hole, 3, algorithm)
        assert ((found[0].permute(1, 2, 0) * 255).round().numpy() == expected).all()
