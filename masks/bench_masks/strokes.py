"""Holes of brush strokes, drawn by OpenCV."""

import math

import cv2
import numpy as np

from bench_core.errors import BadInput
from bench_masks.boxes import random_box

Hole = np.ndarray
Counts = tuple[int, int]
Range = tuple[float, float]
ATTEMPTS = 1000


def free_form(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    strokes: Counts,
    vertices: Counts,
    with_box: bool,
    side: float,
    shrink: float,
    thickness: Range,
    canvas: int,
) -> Hole:
    """Draw DeepFill v2's strokes: turns of about 2 pi / 5 in alternating directions, with round joints."""
    if with_box:
        hole = random_box(rng, height, width, side=side, shrink=shrink, canvas=canvas)
    else:
        hole = np.zeros((height, width), np.uint8)
    scale = math.sqrt(height * width) / canvas
    for _ in range(rng.integers(strokes[0], strokes[1], endpoint=True)):
        points = _zigzag(rng, height, width, int(rng.integers(vertices[0], vertices[1], endpoint=True)))
        brush = max(1, int(rng.uniform(*thickness) * scale))
        _draw_line(hole, points, brush)
        for x, y in points[1:]:
            cv2.circle(hole, (int(x), int(y)), brush // 2, 1, cv2.FILLED)
    return hole


def _zigzag(rng: np.random.Generator, height: int, width: int, count: int) -> np.ndarray:
    mean, spread = 2 * math.pi / 5, 2 * math.pi / 15
    low, high = mean - rng.uniform(0, spread), mean + rng.uniform(0, spread)
    angles = rng.uniform(low, high, count)
    angles[::2] = 2 * math.pi - angles[::2]
    average = math.hypot(height, width) / 8
    steps = rng.normal(average, average // 2, count).clip(0, 2 * average)
    return _walk(rng, angles, steps, height, width)


def _walk(rng: np.random.Generator, angles: np.ndarray, steps: np.ndarray, height: int, width: int) -> np.ndarray:
    """Return the points of a walk from a random place, clipped to the image at every step: (count + 1, 2), int32."""
    points = [(int(rng.integers(0, width)), int(rng.integers(0, height)))]
    for dx, dy in zip(steps * np.cos(angles), steps * np.sin(angles), strict=True):
        x, y = points[-1]
        points.append((int(min(max(x + dx, 0), width)), int(min(max(y + dy, 0), height))))
    return np.asarray(points, np.int32)


def _draw_line(hole: Hole, points: np.ndarray, brush: int) -> None:
    cv2.polylines(hole, [points], isClosed=False, color=1, thickness=brush)


def irregular_walk(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    strokes: Counts,
    segments: Counts,
    length: Counts,
    hole_ratio: Range,
    thickness: Range,
    canvas: int,
) -> Hole:
    """Draw chains of segments whose angles are whole radians, until the hole ratio lies within `hole_ratio`.

    Raises:
        BadInput: no hole of 1000 has such a ratio.
    """
    scale = math.sqrt(height * width) / canvas
    for _ in range(ATTEMPTS):
        hole = np.zeros((height, width), np.uint8)
        for _ in range(rng.integers(strokes[0], strokes[1], endpoint=True)):
            count = int(rng.integers(segments[0], segments[1], endpoint=True))
            angles = 0.01 + rng.integers(0, 5, count, endpoint=True)
            lengths = rng.integers(length[0], length[1], count, endpoint=True) * scale
            points = _walk(rng, angles, lengths, height, width)
            brushes = rng.uniform(*thickness, count) * scale
            for start, brush in enumerate(brushes):
                _draw_line(hole, points[start : start + 2], max(1, int(brush)))
        if hole_ratio[0] < hole.mean() < hole_ratio[1]:
            return hole
    raise BadInput(f"No walk had a hole ratio within {hole_ratio} in {ATTEMPTS} attempts: widen it or change strokes.")
