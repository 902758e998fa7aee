"""The paper's post-processing: fast marching (Telea 2004), and the painting cloned into it (Perez et al. 2003)."""

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

Picture = UInt8[np.ndarray, "h w 3"]
ImageTensor = Float[Tensor, "b 3 h w"]
RADIUS = 1
"""Pixels around a point that fast marching looks at."""
SMALLEST = 3
"""OpenCV cannot clone what is lower or narrower."""
RIM = 2
"""OpenCV clones nothing at an image's border, so borders are repeated this often and cut off again."""


def poisson(masked: ImageTensor, hole: Float[Tensor, "b 1 h w"], prediction: ImageTensor) -> ImageTensor:
    """Canvases in [0, 1] whose gradients are those of the prediction, and whose colours fit to what is known.

    Known pixels are those of `masked`. Where nothing is known, the prediction comes back in 256 levels.
    """
    holes = hole[:, 0].byte().cpu().numpy()
    blended = [_blend(*one) for one in zip(_pictures(masked), holes, _pictures(prediction), strict=True)]
    canvas = torch.from_numpy(np.stack(blended)).permute(0, 3, 1, 2).to(masked) / 255
    return torch.where(hole.bool(), canvas, masked)


def _blend(known: Picture, hole: UInt8[np.ndarray, "h w"], painted: Picture) -> Picture:
    if hole.all():
        return painted
    base = cv2.inpaint(known, hole, RADIUS, cv2.INPAINT_TELEA)
    left, top, width, height = cv2.boundingRect(hole)
    if min(width, height) < SMALLEST:
        return base
    source, target = (np.pad(one, ((RIM, RIM), (RIM, RIM), (0, 0)), "edge") for one in (painted, base))
    centre = (RIM + left + width // 2, RIM + top + height // 2)
    cloned = cv2.seamlessClone(source, target, np.pad(255 * hole, RIM), centre, cv2.NORMAL_CLONE)
    return cloned[RIM:-RIM, RIM:-RIM]


def _pictures(canvas: ImageTensor) -> list[Picture]:
    return list((canvas * 255).round().byte().permute(0, 2, 3, 1).cpu().contiguous().numpy())
