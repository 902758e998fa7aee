"""The training-free methods against direct calls of OpenCV and numpy."""

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from bench_classical.model import mean_color, navier_stokes, telea


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


@pytest.mark.parametrize(("build", "algorithm"), [(telea, cv2.INPAINT_TELEA), (navier_stokes, cv2.INPAINT_NS)])
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
