"""Holes of random walks: the irregular masks with which MMagic trains partial and gated convolutions.

As in the published code, whole numbers of canvas pixels are drawn. They are scaled afterwards.
"""

import math

import cv2
import numpy as np

from bench_core.errors import BadInput

Hole = np.ndarray
Counts = tuple[int, int]
ATTEMPTS = 1000
TURNS = 6
"""Number of angles: 0.01, 1.01, ..., 5.01 radians."""


def irregular_walk(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    strokes: Counts,
    segments: Counts,
    length: Counts,
    hole_ratio: tuple[float, float],
    thickness: Counts,
    canvas: int,
) -> Hole:
    """Draw walks of thick segments until the hole ratio lies between the two of `hole_ratio`.

    Raises:
        BadInput: no hole of 1000 has such a ratio.
    """
    scale = math.sqrt(height * width) / canvas
    for _ in range(ATTEMPTS):
        hole = np.zeros((height, width), np.uint8)
        for number in range(rng.integers(*strokes, endpoint=True)):
            _draw_walk(rng, hole, number % 2 == 0, segments, length, thickness, scale)
        if hole_ratio[0] < hole.mean() < hole_ratio[1]:
            return hole
    raise BadInput(f"No walk had a hole ratio within {hole_ratio} in {ATTEMPTS} attempts: widen it or change strokes.")


def _draw_walk(
    rng: np.random.Generator,
    hole: Hole,
    mirrored: bool,
    segments: Counts,
    length: Counts,
    thickness: Counts,
    scale: float,
) -> None:
    """Draw connected segments from a random place, each with its own angle, length and thickness.

    A walk may leave the image and come back.
    """
    row, column = (int(rng.integers(extent)) for extent in hole.shape)
    count = int(rng.integers(*segments, endpoint=True))
    angles = 0.01 + rng.integers(TURNS, size=count)
    if mirrored:
        angles = 2 * math.pi - angles
    steps = rng.integers(*length, count, endpoint=True) * scale
    brushes = rng.integers(*thickness, count, endpoint=True) * scale
    for right, down, brush in zip(steps * np.cos(angles), steps * np.sin(angles), brushes, strict=True):
        start = column, row
        column, row = int(column + right), int(row + down)
        cv2.line(hole, start, (column, row), 1, max(1, round(brush)))
