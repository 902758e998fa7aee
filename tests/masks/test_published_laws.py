"""Tests of walks and strokes against statistics of holes that the published code drew."""

import math
from collections.abc import Callable

import cv2
import numpy as np
import pytest
from support.mask_sets import open_mask_set

from bench_core.masks.mask_set import MaskSet

STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "hole ratio": np.mean,
    "border ratio": lambda hole: np.concatenate([hole[0], hole[-1], hole[1:-1, 0], hole[1:-1, -1]]).mean(),
    "stroke width": lambda hole: 2 * cv2.distanceTransform(hole, cv2.DIST_L2, 5).max(),
    "centre row": lambda hole: np.nonzero(hole)[0].mean(),
    "centre column": lambda hole: np.nonzero(hole)[1].mean(),
}
DECILES = {
    "irregular_walk": {
        "hole ratio": [0.21124, 0.25106, 0.28276, 0.31137, 0.33908, 0.36684, 0.3961, 0.43074, 0.47466],
        "border ratio": [0.11176, 0.14706, 0.17549, 0.20157, 0.22647, 0.25294, 0.28137, 0.31569, 0.36373],
        "stroke width": [50.0, 54.332, 58.0, 61.557, 65.132, 68.794, 73.513, 78.726, 87.482],
        "centre row": [95.232, 106.51, 114.35, 120.89, 127.01, 133.07, 139.23, 146.96, 158.1],
        "centre column": [94.586, 105.69, 113.84, 120.19, 125.97, 132.04, 138.45, 145.94, 157.36],
    },
    "free_form": {
        "hole ratio": [0.051132, 0.076001, 0.099269, 0.12143, 0.14435, 0.16652, 0.192, 0.22168, 0.26207],
        "border ratio": [0.0, 0.035294, 0.063725, 0.086275, 0.1049, 0.12353, 0.1451, 0.17059, 0.2098],
        "stroke width": [34.392, 42.344, 48.375, 53.938, 58.332, 62.763, 67.932, 73.575, 82.394],
        "centre row": [44.783, 64.884, 82.575, 97.747, 112.23, 126.89, 142.37, 160.84, 185.36],
        "centre column": [95.802, 118.51, 133.62, 146.91, 159.81, 173.08, 188.04, 205.09, 225.49],
    },
}
"""Deciles of 20,000 holes of 256 x 256 pixels, which the published code drew after `np.random.seed(2024)`:
`get_irregular_mask` of MMagic (commit 0a560bba, configuration pconv_stage1_8xb12_places-256x256), and
`brush_stroke_mask` of JiahuiYu/generative_inpainting (commit 3a53243) with Pillow 13.0."""
HOLES = 2000


@pytest.mark.parametrize("family", DECILES)
def test_holes_follow_the_law_of_the_published_code(family: str) -> None:
    """The largest distance between distributions is that of a two-sample test at the level 0.1 %."""
    mask_set = open_mask_set(family)
    drawn = [mask_set.draw(256, "law", key) for key in range(HOLES)]
    for name, statistic in STATISTICS.items():
        values = np.array([statistic(hole) for hole in drawn])
        shares = [(values <= decile + 1e-9).mean() for decile in DECILES[family][name]]
        np.testing.assert_allclose(shares, np.arange(1, 10) / 10, atol=1.95 / HOLES**0.5, err_msg=name)


def test_walks_have_the_published_strokes_segments_angles_lengths_and_brushes(lines: list) -> None:
    """Every other walk is mirrored. Its points are rounded to whole pixels, also outside the image."""
    walks = open_mask_set("irregular_walk", hole_ratio=(0, 1))
    counts, turns, lengths, brushes, left_the_image = set(), set(), set(), set(), 0
    for key in range(400):
        lines.clear()
        walks.draw(256, key)
        walk = -1
        for number, (start, end, brush) in enumerate(lines):
            walk += number == 0 or start != lines[number - 1][1]
            turn = math.atan2(end[1] - start[1], end[0] - start[0])
            turn = (-turn if walk % 2 == 0 else turn) % (2 * math.pi)
            if math.dist(start, end) > 60 and min(start) > 0:  # so long that roundings are small
                turns.add(round(turn - 0.01, 1) % 6.3)
            assert math.dist(start, end) < 103 or start[1] != end[1]  # 0.01 radians are a pixel then
            lengths.add(math.dist(start, end))
            brushes.add(brush)
            left_the_image += not (0 <= end[0] <= 256 and 0 <= end[1] <= 256)
        counts.add(walk + 1)
    assert counts == set(range(4, 10))
    assert turns == {0, 1, 2, 3, 4, 5}
    assert 18.5 < min(lengths) < 19.5 and 127.5 < max(lengths) < 128.5  # 20 to 127, before both ends are rounded
    assert brushes == set(range(10, 45))
    assert left_the_image > 1000


def test_walks_have_one_to_five_segments(lines: list) -> None:
    single = open_mask_set("irregular_walk", strokes=(1, 1), hole_ratio=(0, 1))
    counts = []
    for key in range(100):
        lines.clear()
        single.draw(256, key)
        counts.append(len(lines))
    assert set(counts) == {1, 2, 3, 4, 5}


def untouched_strokes(mask_set: MaskSet) -> list[np.ndarray]:
    """Return the holes of the first 200 keys that touch no border."""
    drawn = [mask_set.draw(256, key) for key in range(200)]
    return [hole for hole in drawn if not STATISTICS["border ratio"](hole)]


def test_strokes_have_round_joints_and_ends() -> None:
    """A disc a little smaller than the brush reaches every pixel of a stroke, but for a few at edges of its pixels."""
    brush = 24
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (brush - 3, brush - 3))
    strokes = untouched_strokes(open_mask_set("free_form", strokes=(1, 1), thickness=(brush, brush)))
    unreached = [int((cv2.morphologyEx(hole, cv2.MORPH_OPEN, disc) != hole).sum()) for hole in strokes]
    assert len(strokes) > 30
    assert np.mean(unreached) < 30  # about 20; without the first disc 58, without any 270
