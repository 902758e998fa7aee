"""The square that the centre models paint: the middle of the image, half as high and half as wide.

It reaches a little over the hole that they are trained with: in 128 x 128 pixels the patch is rows and columns 32 to
95 and the hole 36 to 91, so that 4 pixels on each side are painted although they are known.
"""

import numpy as np

MARGIN = 1 / 4
OVERLAP = 4 / 128
"""Both in parts of the image's side."""


def supports_hole(hole: np.ndarray) -> str:
    """Why the centre models cannot fill a square image's hole, uint8 (side, side); empty if they can.

    The hole may cover the overlap, in whole or in part.
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
