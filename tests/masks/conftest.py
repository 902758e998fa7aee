"""A record of the lines that OpenCV draws."""

import cv2
import numpy as np
import pytest


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[tuple[tuple[int, int], tuple[int, int], int]]:
    """Record start, end and thickness of every drawn line."""
    drawn = []
    line = cv2.line

    def recorded(hole: np.ndarray, start: tuple[int, int], end: tuple[int, int], color: int, thickness: int):
        drawn.append((start, end, thickness))
        return line(hole, start, end, color, thickness)

    monkeypatch.setattr(cv2, "line", recorded)
    return drawn
