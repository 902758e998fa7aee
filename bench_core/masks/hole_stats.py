"""Statistics of a hole: its ratio, its border contact and its stroke width."""

from math import inf, sqrt
from typing import NamedTuple

import cv2
import numpy as np

BUCKETS = ("0.0-0.1", "0.1-0.2", "0.2-0.3", "0.3-0.4", "0.4-0.5", "0.5-0.6")


class HoleStats(NamedTuple):
    """Statistics of one hole."""

    hole_ratio: float
    """Fraction of missing pixels, 0 to 1."""
    border_contact: bool
    """True if a pixel of the outermost rows or columns is missing."""
    stroke_width: float
    """Largest distance from a missing pixel to the nearest known one, in pixels between centres.

    About half the width of the widest stroke. Infinite if no pixel is known.
    """


def measure_hole(hole: np.ndarray) -> HoleStats:
    """Compute the statistics of a hole: uint8 (height, width), 1 = missing."""
    return HoleStats(float(hole.mean()), touches_border(hole), _stroke_width(hole))


def touches_border(region: np.ndarray) -> bool:
    """Return whether any of the outermost pixels is not 0."""
    return bool(region[0].any() or region[-1].any() or region[:, 0].any() or region[:, -1].any())


def _stroke_width(hole: np.ndarray) -> float:
    if hole.all():
        return inf
    largest = cv2.distanceTransform(hole, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()
    # Squared distances are whole numbers. Rounding them makes the width the same on every machine.
    return sqrt(round(float(largest) ** 2))


def ratio_bucket(hole_ratio: float) -> str:
    """Return the bucket of a hole ratio. Upper bounds are inclusive: 0.1 is in "0.0-0.1", 0.61 in ">0.6"."""
    for number, name in enumerate(BUCKETS, start=1):
        if hole_ratio <= number / 10:
            return name
    return ">0.6"
