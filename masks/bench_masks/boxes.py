"""Rectangular holes."""

import numpy as np

Hole = np.ndarray


def center_box(rng: np.random.Generator, height: int, width: int, *, side: float, canvas: int) -> Hole:
    """Draw a centred square of `side`, cropped to the image."""
    hole = np.zeros((height, width), np.uint8)
    h, w = (min(extent, round(side * extent / canvas)) for extent in (height, width))
    top, left = (height - h) // 2, (width - w) // 2
    hole[top : top + h, left : left + w] = 1
    return hole


def random_box(rng: np.random.Generator, height: int, width: int, *, side: float, shrink: float, canvas: int) -> Hole:
    """Draw a square of `side` at a random place. Each pair of sides moves inwards by 0 to `shrink` per side."""
    hole = np.zeros((height, width), np.uint8)
    top, bottom = _interval(rng, height, side, shrink, canvas)
    left, right = _interval(rng, width, side, shrink, canvas)
    hole[top:bottom, left:right] = 1
    return hole


def _interval(rng: np.random.Generator, extent: int, side: float, shrink: float, canvas: int) -> tuple[int, int]:
    full = round(side * extent / canvas)
    start = int(rng.integers(0, max(1, extent - full)))
    delta = int(rng.integers(0, round(shrink * extent / canvas) + 1))
    return start + delta, max(start + delta, start + full - delta)
