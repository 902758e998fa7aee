"""Canny's edges, the same by scikit-image and by torch, and from known pixels only."""

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage import color, data, feature
from torch import Tensor

from bench_edge_connect.canny import _connected, by_torch, canny

PHOTOGRAPHS = [color.rgb2gray(data.astronaut())[:160, 100:260], data.camera()[100:260, 150:310] / 255]


def holes(kind: str, rng: np.random.Generator, side: int = 160) -> np.ndarray:
    """Return known pixels."""
    known = np.ones((side, side), bool)
    if kind == "box":
        known[40:100, :70] = False
    if kind == "blobs":
        known = ndimage.gaussian_filter(rng.random((side, side)), 4) > 0.49
    return known


@pytest.mark.parametrize("kind", ["none", "box", "blobs", "all"])
@pytest.mark.parametrize("sigma", [0.8, 1.0, 2.0, 3.5])
def test_edges_are_those_of_scikit_image_whatever_is_hidden(kind: str, sigma: float):
    rng = np.random.default_rng(0)
    known = np.stack([holes(kind, rng), holes(kind, rng)]) & (kind != "all")
    images = np.stack(PHOTOGRAPHS)
    masks = [None, None] if kind == "none" else known
    wanted = np.stack([feature.canny(one, sigma=sigma, mask=mask) for one, mask in zip(images, masks, strict=True)])
    assert wanted.any() == (kind != "all")
    hidden = torch.from_numpy(np.where(known, images, rng.random(images.shape))).unsqueeze(1)
    for find in (canny, by_torch):
        found = find(hidden, torch.from_numpy(known).float().unsqueeze(1), sigma)
        assert found.dtype == torch.double and np.array_equal(found[:, 0].numpy(), wanted)


def test_fact_05_no_edge_is_found_in_a_hole_or_next_to_it():
    """Although the border of the hole is the strongest step of the masked image."""
    hole = torch.zeros(1, 1, 64, 64)
    hole[..., 20:44, 20:44] = 1
    x = torch.linspace(0, 1, 64).expand(1, 1, 64, 64) > 0.5
    edges = canny(x.float() * (1 - hole), 1 - hole, 1.0)
    near = torch.nn.functional.max_pool2d(hole, 3, stride=1, padding=1)
    assert edges.sum() > 10 and (edges * near).sum() == 0


def serpentine(side: int) -> np.ndarray:
    """Return one path through all odd rows, which connects its ends over as many pixels as possible."""
    path = np.zeros((side, side), bool)
    path[::2] = True
    for row in range(1, side - 1, 2):
        path[row, -1 if row % 4 == 1 else 0] = True
    return path


def percolating(side: int) -> np.ndarray:
    """Return random pixels at the density at which large ragged components form."""
    return np.random.default_rng(0).random((side, side)) < 0.41


@pytest.mark.parametrize("side", [31, 128])
@pytest.mark.parametrize("draw", [serpentine, percolating, lambda side: serpentine(side).T.copy()])
def test_weak_pixels_count_if_they_touch_a_strong_one_over_any_distance(draw, side: int):
    weak = draw(side)
    strong = weak & (np.random.default_rng(1).random((side, side)) < 3 / weak.sum())
    strong[0, 0] = weak[0, 0]
    labels = ndimage.label(weak, np.ones((3, 3)))[0]  # type: ignore[index]
    wanted = np.isin(labels, labels[strong]) & weak

    def batch(plane: np.ndarray) -> Tensor:
        return torch.from_numpy(np.stack([plane, np.zeros_like(plane)])).unsqueeze(1)

    found = _connected(batch(weak), batch(strong))
    assert np.array_equal(found[0, 0].numpy(), wanted) and not found[1].any()
