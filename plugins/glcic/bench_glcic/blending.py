"""The paper's post-processing: fast marching (Telea 2004) with the prediction cloned into it (Perez et al. 2003)."""

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from bench_core.nn.types import HoleTensor

RGBTensor = Float[Tensor, "b 3 h w"]
RGBArray = UInt8[np.ndarray, "h w 3"]
RADIUS = 1
"""Neighbourhood of a pixel in fast marching, in pixels."""
MIN_CLONE_SIDE = 3
"""OpenCV cannot clone lower or narrower regions."""
BORDER = 2
"""Pixels by which images are extended: OpenCV clones nothing at an image's border."""


def poisson(masked: RGBTensor, hole: HoleTensor, prediction: RGBTensor) -> RGBTensor:
    """Blend predictions in [0, 1]: keep their gradients and fit their colours to the known pixels.

    Known pixels are those of `masked`, unchanged. Blended pixels have 256 levels. Without known pixels the prediction
    is returned in 256 levels.
    """
    holes = hole[:, 0].byte().cpu().numpy()
    blended = [_blend(*one) for one in zip(_to_uint8(masked), holes, _to_uint8(prediction), strict=True)]
    image = torch.from_numpy(np.stack(blended)).permute(0, 3, 1, 2).to(masked) / 255
    return torch.where(hole.bool(), image, masked)


def _blend(known: RGBArray, hole: UInt8[np.ndarray, "h w"], prediction: RGBArray) -> RGBArray:
    if hole.all():
        return prediction
    base = cv2.inpaint(known, hole, RADIUS, cv2.INPAINT_TELEA)
    left, top, width, height = cv2.boundingRect(hole)
    if min(width, height) < MIN_CLONE_SIDE:
        return base
    source, target = (np.pad(one, ((BORDER, BORDER), (BORDER, BORDER), (0, 0)), "edge") for one in (prediction, base))
    centre = (BORDER + left + width // 2, BORDER + top + height // 2)
    cloned = cv2.seamlessClone(source, target, np.pad(255 * hole, BORDER), centre, cv2.NORMAL_CLONE)
    return cloned[BORDER:-BORDER, BORDER:-BORDER]


def _to_uint8(image: RGBTensor) -> list[RGBArray]:
    return list((image * 255).round().byte().permute(0, 2, 3, 1).cpu().contiguous().numpy())
