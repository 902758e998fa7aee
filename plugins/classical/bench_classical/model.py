"""Filling holes without learning."""

import cv2
import numpy as np
import torch

from bench_core.methods import HoleTensor, ImageTensor, Method

RADIUS = 3
"""Pixels around a point that OpenCV looks at: its documentation's example."""


class MeanColor(Method):
    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        valid = 1 - hole
        mean = (masked * valid).sum((2, 3), keepdim=True) / valid.sum((2, 3), keepdim=True).clamp(min=1)
        return mean.expand_as(masked).clamp(0, 1)


class OpenCV(Method):
    """One of OpenCV's two algorithms, on 8-bit pictures, as it demands."""

    def __init__(self, algorithm: int) -> None:
        super().__init__()
        self.algorithm = algorithm

    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        pictures = (masked * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        holes = hole[:, 0].byte().cpu().numpy()
        filled = [self._fill(picture, one) for picture, one in zip(pictures, holes, strict=True)]
        return torch.from_numpy(np.stack(filled)).permute(0, 3, 1, 2).to(masked) / 255

    def _fill(self, picture: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if hole.all():  # nothing to start from
            return picture
        return cv2.inpaint(np.ascontiguousarray(picture), hole, RADIUS, self.algorithm).reshape(picture.shape)


def mean_color(scale: str, channels: int) -> MeanColor:
    return MeanColor()


def telea(scale: str, channels: int) -> OpenCV:
    return OpenCV(cv2.INPAINT_TELEA)


def navier_stokes(scale: str, channels: int) -> OpenCV:
    return OpenCV(cv2.INPAINT_NS)
