"""Contextual attention against a slow reference that follows the official code with loops, and its known values."""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from bench_core.errors import BadInput
from bench_core.nn.contextual_attention import (
    ContextualAttention,
    attend,
    fuse,
    match,
    nearest_indices,
    shrink,
    usable_keys,
)

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
    """Cut a square out of a (height, width, channels) map, zero outside."""
    cut = np.zeros((side, side, plane.shape[2]))
    for y in range(side):
        for x in range(side):
            if 0 <= top + y < plane.shape[0] and 0 <= left + x < plane.shape[1]:
                cut[y, x] = plane[top + y, left + x]
    return cut


def diagonals_added(scores: np.ndarray, order: list[int]) -> np.ndarray:
    """Add to each score those of the previous and the next pair, in the given order of positions."""
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
    patch_length: str = "floored",
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

    if patch_length == "floored":
        lengths = [max(math.sqrt((k * k).sum()), 1e-4) for k in keys]
    else:
        lengths = [math.sqrt((k * k + 1e-4).sum()) for k in keys]
    scores = np.array([[(f * k).sum() / length for k, length in zip(keys, lengths, strict=True)] for f in keys])
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
        {"patch_length": "shifted"},
        {"mask_logit": "-inf", "overlap": "counted", "align_corners": False, "hole_steps": 1},
    ],
    ids=str,
)
def test_attention_agrees_with_the_slow_reference_image_by_image(options: dict) -> None:
    rng = np.random.default_rng(6)
    features = rng.normal(0, 0.2, (2, HEIGHT, WIDTH, 3))
    features[:, :5, :5] *= 1e-4  # small enough for the norm's floor to matter
    hole = (rng.random((2, 4 * HEIGHT, 4 * WIDTH)) < 0.07).astype(float)  # noise distinguishes all index rules
    attention = ContextualAttention(**options)
    found = attention(torch.from_numpy(features).permute(0, 3, 1, 2), torch.from_numpy(hole)[:, None]).numpy()
    for i in range(2):
        expected = reference(features[i], hole[i], **options)
        assert np.abs(expected).max() > 0.05
        np.testing.assert_allclose(found[i].transpose(1, 2, 0), expected, atol=1e-10)


def test_one_and_two_steps_of_shrinking_agree_without_aligned_corners() -> None:
    torch.manual_seed(0)
    features, hole = torch.randn(1, 2, 8, 8), (torch.rand(1, 1, 32, 32) < 0.1).float()
    once, twice = (ContextualAttention(align_corners=False, hole_steps=steps)(features, hole) for steps in (1, 2))
    assert torch.equal(once, twice)


@pytest.mark.parametrize(
    ("option", "value"), [("mask_logit", "none"), ("overlap", "4"), ("hole_steps", 3), ("patch_length", "long")]
)
def test_an_unknown_value_raises_bad_input(option: str, value: Any) -> None:
    with pytest.raises(BadInput, match=f"no {option} '{value}'.* Known: "):
        ContextualAttention(**{option: value})


def test_features_of_the_hole_are_never_copied() -> None:
    torch.manual_seed(0)
    features, hole = torch.randn(1, 4, 16, 16) * 0.01, torch.zeros(1, 1, 64, 64)
    hole[..., 16:48, 16:48] = 1
    features[..., 6:10, 6:10] += 1000  # no patch outside the hole reaches so far in
    assert ContextualAttention()(features, hole).abs().max() < 0.1


def test_shrinking_aligns_corners() -> None:
    assert nearest_indices(8, 4, align_corners=True) == (0, 2, 5, 7)
    assert nearest_indices(16, 8, align_corners=True) == (0, 2, 4, 6, 9, 11, 13, 15)
    assert nearest_indices(8, 4, align_corners=False) == (0, 2, 4, 6)
    assert nearest_indices(10, 5, align_corners=True) == (0, 2, 5, 7, 9)  # 4.5 rounds up
    assert nearest_indices(2, 1, align_corners=True) == (0,)


@pytest.mark.parametrize("fused", [True, False])
def test_attention_rebuilds_ones_with_a_darker_border(fused: bool) -> None:
    rebuilt = ContextualAttention(fuse=fused)(torch.ones(1, 1, 4, 4), torch.zeros(1, 1, 16, 16))
    edge, inner = [0.25, 0.5, 0.5, 0.25], [0.5, 1, 1, 0.5]
    torch.testing.assert_close(rebuilt, torch.tensor([[[edge, inner, inner, edge]]]), atol=1e-4, rtol=0)


def test_the_first_query_of_a_map_of_ones_copies_itself() -> None:
    small = shrink(torch.ones(1, 1, 4, 4), (2, 2), align_corners=True)
    scores = match(small, small)
    weights = attend(scores, torch.ones(1, 1, 4), "zero")
    torch.testing.assert_close(weights[0, 0], torch.tensor([0.99991, 4.54e-5, 4.54e-5, 3.06e-7]), atol=1e-5, rtol=1e-3)
    assert not torch.equal(fuse(scores, 2), scores)


@pytest.mark.parametrize("mask_logit", ["zero", "-inf"])
def test_attention_over_nothing_but_hole_is_exactly_zero(mask_logit: str) -> None:
    features = torch.randn(2, 3, 8, 12, requires_grad=True)
    rebuilt = ContextualAttention(mask_logit=mask_logit)(features, torch.ones(2, 1, 32, 48))
    assert torch.equal(rebuilt, torch.zeros_like(features))
    rebuilt.sum().backward()
    assert features.grad is not None and features.grad.isfinite().all()


def test_without_a_hole_every_key_is_usable() -> None:
    assert usable_keys(torch.zeros(1, 1, 32, 32)).all()
