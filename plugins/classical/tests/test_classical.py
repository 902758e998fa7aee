"""The methods that learn nothing, against OpenCV and numpy called directly."""

import cv2
import numpy as np
import pytest
import torch
from skimage import data

from bench_classical.model import mean_color, navier_stokes, telea


@pytest.fixture
def astronaut() -> tuple[np.ndarray, np.ndarray]:
    """A photograph of 64 x 96 and a hole in it."""
    picture = data.astronaut()[:64, :96]
    hole = np.zeros((64, 96), np.uint8)
    hole[20:40, 30:70] = 1
    return np.ascontiguousarray(picture * (1 - hole[..., None])), hole


def as_tensors(picture: np.ndarray, hole: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    image = torch.from_numpy(picture.reshape(*hole.shape, -1)).permute(2, 0, 1)[None].float() / 255
    return image, torch.from_numpy(hole)[None, None].float()


@pytest.mark.parametrize(("build", "algorithm"), [(telea, cv2.INPAINT_TELEA), (navier_stokes, cv2.INPAINT_NS)])
@pytest.mark.parametrize("channels", [1, 3])
def test_opencv_fills_as_it_does_by_itself(build, algorithm: int, channels: int, astronaut):
    picture, hole = astronaut
    picture = np.ascontiguousarray(picture[..., :channels]).squeeze()
    found = build("paper", channels).predict(*as_tensors(picture, hole))
    expected = cv2.inpaint(picture, hole, 3, algorithm)
    assert ((found[0].permute(1, 2, 0) * 255).round().numpy().squeeze() == expected).all()


def test_the_mean_colour_is_that_of_known_pixels(astronaut):
    picture, hole = astronaut
    found = mean_color("paper", 3).predict(*as_tensors(picture, hole))
    np.testing.assert_allclose(found[0, :, 0, 0], picture[hole == 0].mean(0) / 255, rtol=1e-5)
    assert (found == found[..., :1, :1]).all()
