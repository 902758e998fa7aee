"""What is recorded of every hole: its ratio, whether it touches the border, and how wide it is."""

from math import inf, sqrt
from typing import NamedTuple

import cv2
import numpy as np

TENTHS = ("0.0-0.1", "0.1-0.2", "0.2-0.3", "0.3-0.4", "0.4-0.5", "0.5-0.6")


class HoleStats(NamedTuple):
    """Measured on one hole."""

    hole_ratio: float
    """Fraction of missing pixels, 0 to 1."""
    border_contact: bool
    """Whether a pixel of the outermost rows or columns is missing."""
    stroke_width: float
    """The largest value of the hole's distance transform: how far, in pixels between centers, a missing pixel lies
    from the nearest known one. About half of the widest stroke; infinite where nothing is known."""


def measure(hole: np.ndarray) -> HoleStats:
    """The facts of a hole, uint8 (height, width), 1 = missing."""
    return HoleStats(float(hole.mean()), touches_border(hole), _stroke_width(hole))


def touches_border(side: np.ndarray) -> bool:
    """Whether any of the outermost pixels is not 0."""
    return bool(side[0].any() or side[-1].any() or side[:, 0].any() or side[:, -1].any())


def _stroke_width(hole: np.ndarray) -> float:
    if hole.all():
        return inf
    furthest = cv2.distanceTransform(hole, cv2.DIST_L2, cv2.DIST_MASK_PRECISE).max()
    # Squared distances are whole numbers: said so, the width is the same on every machine.
    return sqrt(round(float(furthest) ** 2))


def bucket(hole_ratio: float) -> str:
    """The tenth that a hole's ratio lies in, its upper bound included: 0.1 is in "0.0-0.1", 0.61 in ">0.6"."""
    for number, name in enumerate(TENTHS, start=1):
        if hole_ratio <= number / 10:
            return name
    return ">0.6"
