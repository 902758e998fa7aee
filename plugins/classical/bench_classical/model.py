"""Mean colour, and OpenCV's two inpainting algorithms."""

import cv2
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt

from bench_core.methods import HoleTensor, ImageTensor, Method

RADIUS = 3
"""Neighbourhood of a pixel in OpenCV's algorithms, in pixels; the example of OpenCV's documentation."""


class MeanColor(Method):
    """Fill the hole with the mean colour of the known pixels."""

    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        valid = 1 - hole
        mean = (masked * valid).sum((2, 3), keepdim=True) / valid.sum((2, 3), keepdim=True).clamp(min=1)
        return mean.expand_as(masked).clamp(0, 1)


class OpenCV(Method):
    """One of OpenCV's algorithms, which require 8-bit images and a known pixel.

    Near the borders OpenCV reads hidden pixels before it has filled them. Therefore they start with the colour of the
    nearest known pixel. Predictions of other holes are those of OpenCV alone.
    """

    def __init__(self, algorithm: int) -> None:
        super().__init__()
        self.algorithm = algorithm

    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        images = (masked * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        holes = hole[:, 0].byte().cpu().numpy()
        filled = [self._fill(*one) for one in zip(images, holes, strict=True)]
        return torch.from_numpy(np.stack(filled)).permute(0, 3, 1, 2).to(masked) / 255

    def _fill(self, image: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if hole.all():
            return np.zeros_like(image)
        nearest = np.asarray(distance_transform_edt(hole, return_distances=False, return_indices=True))
        known = np.ascontiguousarray(image[tuple(nearest)])
        return cv2.inpaint(known, hole, RADIUS, self.algorithm).reshape(image.shape)


def mean_color(scale: str, channels: int) -> MeanColor:
    return MeanColor()


def telea(scale: str, channels: int) -> OpenCV:
    return OpenCV(cv2.INPAINT_TELEA)


def navier_stokes(scale: str, channels: int) -> OpenCV:
    return OpenCV(cv2.INPAINT_NS)
