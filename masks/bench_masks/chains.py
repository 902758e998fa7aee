"""The holes of LaMa (Suvorov et al., WACV 2022): chains of thick segments, or boxes.

As in the published code, whole numbers of canvas pixels are drawn. They are scaled afterwards.
"""

import math

import cv2
import numpy as np

from bench_core.errors import BadInput

Hole = np.ndarray
Counts = tuple[int, int]
ATTEMPTS = 1000
TURNS = 4
"""Number of angles: 0.01, 1.01, 2.01 and 3.01 radians."""


def chains_or_boxes(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    strokes: Counts,
    segments: Counts,
    length: Counts,
    thickness: Counts,
    box_weight: float,
    boxes: Counts,
    box_side: Counts,
    margin: int,
    hole_ratio: tuple[float, float],
    canvas: int,
) -> Hole:
    """Draw chains with weight 1 or boxes with `box_weight`, until the hole ratio is in (low, high] of `hole_ratio`.

    Raises:
        BadInput: no hole of 1000 has such a ratio.
    """
    scale = math.sqrt(height * width) / canvas
    for _ in range(ATTEMPTS):
        hole = np.zeros((height, width), np.uint8)
        if rng.uniform(0, 1 + box_weight) < 1:
            for number in range(_integer(rng, strokes)):
                _draw_chain(rng, hole, number % 2 == 0, segments, length, thickness, scale)
        else:
            for _ in range(_integer(rng, boxes)):
                _draw_box(rng, hole, box_side, margin, scale)
        if hole_ratio[0] < hole.mean() <= hole_ratio[1]:
            return hole
    raise BadInput(
        f"No hole had a ratio within {hole_ratio} in {ATTEMPTS} attempts: widen it, or change the strokes and boxes."
    )


def _integer(rng: np.random.Generator, bounds: Counts) -> int:
    return int(rng.integers(*bounds, endpoint=True))


def _draw_chain(
    rng: np.random.Generator,
    hole: Hole,
    mirrored: bool,
    segments: Counts,
    length: Counts,
    thickness: Counts,
    scale: float,
) -> None:
    """Draw connected segments from a random place, each with its own angle, length and thickness."""
    height, width = hole.shape
    x, y = int(rng.integers(width)), int(rng.integers(height))
    for _ in range(_integer(rng, segments)):
        angle = 0.01 + int(rng.integers(TURNS))
        if mirrored:
            angle = 2 * math.pi - angle
        step = _integer(rng, length) * scale
        brush = max(1, round(_integer(rng, thickness) * scale))
        start = x, y
        x = min(max(int(x + step * math.sin(angle)), 0), width)
        y = min(max(int(y + step * math.cos(angle)), 0), height)
        cv2.line(hole, start, (x, y), 1, brush)


def _draw_box(rng: np.random.Generator, hole: Hole, side: Counts, margin: int, scale: float) -> None:
    """Draw a box of random sides at a random place, at least `margin` away from the border."""
    border = round(margin * scale)
    spans = []
    for extent in hole.shape:
        longest = min(round(side[1] * scale), extent - 2 * border - 1)
        size = _integer(rng, (min(round(side[0] * scale), longest), longest))
        start = _integer(rng, (border, extent - border - size))
        spans.append(slice(start, start + size))
    hole[tuple(spans)] = 1
