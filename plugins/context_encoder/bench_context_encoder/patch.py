"""The patch that the centre models predict: the middle of the image, half as high and half as wide.

It is slightly larger than the hole in training. In 128 x 128 pixels the patch has rows and columns 32 to 95 and the
hole 36 to 91, so 4 known pixels on each side are predicted, too.
"""

import numpy as np

MARGIN = 1 / 4
OVERLAP = 4 / 128
"""Margin around the patch and its overlap with known pixels, as fractions of the image's side."""


def supports_hole(hole: np.ndarray) -> str:
    """Return the reason why the centre models cannot fill a hole, uint8 (side, side), or "" if they can.

    The hole may cover all of the overlap or a part of it.
    """
    side = len(hole)
    outer = int(MARGIN * side)
    inner = outer + int(OVERLAP * side)
    outside = np.ones_like(hole)
    outside[outer : side - outer, outer : side - outer] = 0
    if (hole & outside).any() or not hole[inner : side - inner, inner : side - inner].all():
        return (
            f"fills the middle of the image only: of {side} x {side} pixels all in rows and columns {inner} to "
            f"{side - inner - 1} must be missing, and none outside {outer} to {side - outer - 1}"
        )
    return ""
