"""Holes of brush strokes: the free-form masks of DeepFill v2 (Yu et al., ICCV 2019).

Pillow draws them, as in the official code: OpenCV's lines of the same thickness are one or two pixels wider.
"""

import math

import numpy as np
from PIL import Image, ImageDraw

from bench_masks.boxes import random_box

Hole = np.ndarray
Counts = tuple[int, int]
Range = tuple[float, float]


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
    """Draw strokes with turns of about 2 pi / 5 in alternating directions and with round joints.

    With `with_box`, a random box is missing, too.
    """
    picture = Image.new("L", (width, height))
    scale = math.sqrt(height * width) / canvas
    for _ in range(rng.integers(*strokes, endpoint=True)):
        points = _zigzag(rng, height, width, int(rng.integers(*vertices, endpoint=True)))
        _draw_stroke(picture, points, brush=max(1, int(rng.uniform(*thickness) * scale)))
    hole = np.array(picture)
    return hole | random_box(rng, height, width, side=side, shrink=shrink, canvas=canvas) if with_box else hole


def _zigzag(rng: np.random.Generator, height: int, width: int, count: int) -> list[tuple[int, int]]:
    """Return the `count` + 1 points (x, y) of a walk from a random place, clipped to the image at every step."""
    mean, spread = 2 * math.pi / 5, 2 * math.pi / 15
    low, high = mean - rng.uniform(0, spread), mean + rng.uniform(0, spread)
    angles = rng.uniform(low, high, count)
    angles[::2] = 2 * math.pi - angles[::2]
    points = [(int(rng.integers(0, width)), int(rng.integers(0, height)))]
    average = math.hypot(height, width) / 8
    steps = rng.normal(average, average // 2, count).clip(0, 2 * average)
    for dx, dy in zip(steps * np.cos(angles), steps * np.sin(angles), strict=True):
        x, y = points[-1]
        points.append((int(min(max(x + dx, 0), width)), int(min(max(y + dy, 0), height))))
    return points


def _draw_stroke(picture: Image.Image, points: list[tuple[int, int]], brush: int) -> None:
    draw, radius = ImageDraw.Draw(picture), brush // 2
    draw.line(points, fill=1, width=brush)
    for x, y in points:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
