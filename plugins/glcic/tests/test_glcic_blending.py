"""Poisson blending: it corrects colours, keeps known pixels, and accepts every hole."""

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor

from bench_glcic.blending import poisson

HOLES = {
    "none": [],
    "all": [(0, 48, 0, 64)],
    "pixel": [(20, 21, 30, 31)],
    "two rows": [(20, 22, 10, 40)],
    "column": [(5, 40, 7, 8)],
    "three": [(20, 23, 30, 33)],
    "corner": [(0, 20, 0, 30)],
    "border": [(10, 48, 40, 64)],
    "across": [(0, 48, 20, 40)],
    "all but a frame": [(1, 47, 1, 63)],
    "all but a pixel": [(0, 48, 0, 63), (1, 48, 63, 64)],
    "centre": [(10, 34, 12, 44)],
    "two": [(4, 20, 4, 20), (24, 40, 30, 56)],
    "several": [(0, 9, 0, 9), (30, 40, 50, 60), (20, 21, 20, 21)],
}


def hole_of(boxes) -> Tensor:
    hole = torch.zeros(1, 1, 48, 64)
    for top, bottom, left, right in boxes:
        hole[..., top:bottom, left:right] = 1
    return hole


def smooth_image() -> Tensor:
    """Return an image smooth enough for fast marching."""
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    return torch.stack([0.5 + 0.2 * torch.sin((rows + k * columns) / 40) for k in (0, 1, 2)])[None]


@pytest.mark.parametrize("name", HOLES)
def test_known_pixels_stay_unchanged_for_every_hole(name):
    hole = hole_of(HOLES[name])
    image = torch.rand(1, 3, 48, 64)
    found = poisson(image * (1 - hole), hole, torch.rand(1, 3, 48, 64))
    known = ~hole.bool().expand_as(image)
    assert found.shape == image.shape and found.dtype == image.dtype
    assert torch.equal(found[known], image[known])
    assert found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("name", ["centre", "corner", "border", "two"])
def test_a_wrong_colour_is_corrected(name):
    image, hole = smooth_image(), hole_of(HOLES[name])
    inside = hole.bool().expand_as(image)
    found = poisson(image * (1 - hole), hole, image + 0.2)
    assert (found - image)[inside].abs().mean() < 0.05


def test_inside_the_rim_second_differences_are_those_of_the_prediction():
    rows, columns = torch.meshgrid(torch.arange(48.0), torch.arange(64.0), indexing="ij")
    prediction = smooth_image() + 0.1 * torch.sin(rows) * torch.cos(columns / 2) * torch.tensor([1, -1, 0.7]).view(
        3, 1, 1
    )
    hole = hole_of([(8, 40, 10, 50)])
    found = poisson(smooth_image() * (1 - hole), hole, prediction)

    def laplacian(x: Tensor) -> Tensor:
        inner = x[..., 14:34, 16:44]
        neighbours = [x[..., 14 + i : 34 + i, 16 + j : 44 + j] for i, j in ((1, 0), (-1, 0), (0, 1), (0, -1))]
        return sum(neighbours) - 4 * inner

    assert laplacian(prediction).abs().mean() > 10 / 255
    assert (laplacian(found) - laplacian(prediction)).abs().mean() < 2 / 255  # both are rounded to 8 bits


def test_the_rim_and_small_holes_are_those_of_fast_marching():
    image = (torch.rand(1, 3, 48, 64) * 255).round() / 255
    for boxes, rim in ((HOLES["pixel"], 1), (HOLES["two rows"], 2), ([(8, 40, 10, 50)], 1)):
        hole = hole_of(boxes)
        known = (255 * image * (1 - hole))[0].permute(1, 2, 0).round().byte().numpy()
        marched = cv2.inpaint(np.ascontiguousarray(known), hole[0, 0].byte().numpy(), 1, cv2.INPAINT_TELEA)
        found = poisson(image * (1 - hole), hole, torch.rand(1, 3, 48, 64))[0].permute(1, 2, 0)
        top, _, left, right = boxes[0]
        strip = (slice(top, top + rim), slice(left, right))
        torch.testing.assert_close(found[strip], torch.from_numpy(marched).float()[strip] / 255)


def test_without_known_pixels_the_prediction_stays():
    prediction = torch.rand(1, 3, 48, 64)
    found = poisson(torch.zeros_like(prediction), hole_of(HOLES["all"]), prediction)
    torch.testing.assert_close(found, prediction, rtol=0, atol=0.5 / 255 + 1e-6)


def test_a_batch_is_blended_image_by_image():
    masked, prediction = torch.rand(2, 3, 48, 64), torch.rand(2, 3, 48, 64)
    hole = torch.cat([hole_of(HOLES["border"]), hole_of(HOLES["several"])])
    apart = [poisson(masked[i : i + 1], hole[i : i + 1], prediction[i : i + 1]) for i in range(2)]
    assert torch.equal(poisson(masked, hole, prediction), torch.cat(apart))
