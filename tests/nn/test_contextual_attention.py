"""Contextual attention against a slow reference that follows the official code's steps with loops."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from bench_core.errors import BadInput
from bench_gated.attention import ContextualAttention

HEIGHT, WIDTH = 8, 12


def index(i: int, size: int, new_size: int, aligned: bool) -> int:
    if aligned:
        return math.floor(Fraction(i * (size - 1), new_size - 1) + Fraction(1, 2))
    return math.floor(Fraction(i * size, new_size))


def shrunk(plane: np.ndarray, height: int, width: int, aligned: bool) -> np.ndarray:
    return np.array([
        [plane[index(y, len(plane), height, aligned), index(x, len(plane[0]), width, aligned)] for x in range(width)]
        for y in range(height)
    ])  # fmt: skip


def patch(plane: np.ndarray, top: int, left: int, side: int) -> np.ndarray:
    """A square of a (height, width, channels) map, zero outside."""
    cut = np.zeros((side, side, plane.shape[2]))
    for y in range(side):
        for x in range(side):
            if 0 <= top + y < plane.shape[0] and 0 <= left + x < plane.shape[1]:
                cut[y, x] = plane[top + y, left + x]
    return cut


def diagonals_added(scores: np.ndarray, order: list[int]) -> np.ndarray:
    """Each score plus those of the previous and the next pair, in the order in which positions are numbered."""
    added = np.zeros_like(scores)
    for p in range(len(order)):
        for q in range(len(order)):
            for d in (-1, 0, 1):
                if 0 <= p + d < len(order) and 0 <= q + d < len(order):
                    added[order[p], order[q]] += scores[order[p + d], order[q + d]]
    return added


def reference(
    features: np.ndarray,
    hole: np.ndarray,
    *,
    fuse: bool = True,
    mask_logit: str = "zero",
    overlap: str = "constant",
    align_corners: bool = True,
    hole_steps: int = 2,
) -> np.ndarray:
    height, width, channels = features.shape
    rows, columns = height // 2, width // 2
    grid = [(y, x) for y in range(rows) for x in range(columns)]
    small = shrunk(features, rows, columns, align_corners)
    if hole_steps == 2:
        hole = shrunk(hole, height, width, align_corners)
    small_hole = shrunk(hole, rows, columns, align_corners)[..., None]
    keys = [patch(small, y - 1, x - 1, 3) for y, x in grid]
    usable = np.array([patch(small_hole, y - 1, x - 1, 3).sum() == 0 for y, x in grid], dtype=float)
    assert 0 < usable.sum() < len(grid)

    scores = np.array([[(f * k).sum() / max(math.sqrt((k * k).sum()), 1e-4) for k in keys] for f in keys])
    if fuse:
        by_columns = sorted(range(len(grid)), key=lambda i: (grid[i][1], grid[i][0]))
        scores = diagonals_added(diagonals_added(scores, list(range(len(grid)))), by_columns)
    exponentials = np.exp(10 * scores * usable)
    if mask_logit == "-inf":
        exponentials *= usable
    weights = exponentials / exponentials.sum(axis=1, keepdims=True) * usable

    rebuilt, covers = np.zeros((height, width, channels)), np.zeros((height, width, 1))
    for p, (py, px) in enumerate(grid):
        for q, (qy, qx) in enumerate(grid):
            copied = weights[p, q] * patch(features, 2 * qy - 1, 2 * qx - 1, 4)
            for y in range(4):
                for x in range(4):
                    top, left = 2 * py - 1 + y, 2 * px - 1 + x
                    if 0 <= top < height and 0 <= left < width:
                        rebuilt[top, left] += copied[y, x]
                        covers[top, left] += 1 / len(grid)
    return rebuilt / (covers if overlap == "counted" else 4)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"fuse": False},
        {"mask_logit": "-inf"},
        {"overlap": "counted"},
        {"fuse": False, "align_corners": False},
        {"hole_steps": 1},
        {"mask_logit": "-inf", "overlap": "counted", "align_corners": False, "hole_steps": 1},
    ],
    ids=str,
)
def test_attention_agrees_with_the_slow_reference_image_by_image(options: dict) -> None:
    rng = np.random.default_rng(6)
    features = rng.normal(0, 0.2, (2, HEIGHT, WIDTH, 3))
    features[:, :5, :5] *= 1e-4  # so small that the norm's floor matters
    hole = (rng.random((2, 4 * HEIGHT, 4 * WIDTH)) < 0.07).astype(float)  # noise tells every index rule apart
    attention = ContextualAttention(**options)
    found = attention(torch.from_numpy(features).permute(0, 3, 1, 2), torch.from_numpy(hole)[:, None]).numpy()
    for i in range(2):
        expected = reference(features[i], hole[i], **options)
        assert np.abs(expected).max() > 0.05
        np.testing.assert_allclose(found[i].transpose(1, 2, 0), expected, atol=1e-10)


def test_both_ways_of_shrinking_the_hole_agree_without_aligned_corners() -> None:
    torch.manual_seed(0)
    features, hole = torch.randn(1, 2, 8, 8), (torch.rand(1, 1, 32, 32) < 0.1).float()
    cached, twice = (ContextualAttention(align_corners=False, hole_steps=steps)(features, hole) for steps in (1, 2))
    assert torch.equal(cached, twice)


@pytest.mark.parametrize(("option", "value"), [("mask_logit", "none"), ("overlap", "4"), ("hole_steps", 3)])
def test_an_unknown_value_is_refused(option: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"no {option} '{value}'.* Known: "):
        ContextualAttention(**{option: value})


def test_features_of_the_hole_are_never_copied() -> None:
    torch.manual_seed(0)
    features, hole = torch.randn(1, 4, 16, 16) * 0.01, torch.zeros(1, 1, 64, 64)
    hole[..., 16:48, 16:48] = 1
    features[..., 6:10, 6:10] += 1000  # no patch outside the hole reaches so far in
    assert ContextualAttention()(features, hole).abs().max() < 0.1
