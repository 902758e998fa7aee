"""Edges by Canny (PAMI 1986): scikit-image's on CPUs, and the same on other devices.

There they are computed in 64 bits without a branch on values. So neither a step of the training nor a prediction waits
for a GPU.
"""

from math import ceil, log2

import numpy as np
import torch
from jaxtyping import Float
from skimage import feature
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

from bench_core.nn.types import HoleTensor

LOW, HIGH = 0.1, 0.2
"""Thresholds of the gradient, in units of the range of an image in [0, 1]."""

Plane = Float[Tensor, "b 1 h w"]


def canny(grey: Plane, known: HoleTensor, sigma: float) -> Plane:
    """Return edges, 0 or 1, of the known pixels of grey images in [0, 1].

    Other pixels change nothing. No edge is found in or next to them, nor on the border of the image.

    Args:
        grey: images.
        known: 1 where a pixel counts, else 0.
        sigma: standard deviation in pixels of the Gaussian that smooths an image first.
    """
    on_cpu = grey.device.type == "cpu" and not torch.compiler.is_compiling()
    return (by_scikit_image if on_cpu else by_torch)(grey.detach(), known, sigma)


def by_scikit_image(grey: Plane, known: HoleTensor, sigma: float) -> Plane:
    """Compute `canny` by scikit-image, one image after the other."""
    planes = zip(grey[:, 0].double().numpy(), known[:, 0].numpy() > 0.5, strict=True)
    edges = [feature.canny(plane, sigma=sigma, mask=mask) for plane, mask in planes]
    return torch.from_numpy(np.stack(edges)).unsqueeze(1).to(grey.dtype)


def by_torch(grey: Plane, known: HoleTensor, sigma: float) -> Plane:
    """Compute `canny` for all images at once, on their device."""
    mask = known.double()
    smoothed = _blurred(grey.double() * mask, sigma) / (_blurred(mask, sigma) + torch.finfo(torch.double).eps)
    gradient = _sobel(smoothed)
    magnitude = torch.linalg.vector_norm(gradient, dim=1, keepdim=True)
    inner = -max_pool2d(pad(-mask, (1,) * 4), 3, stride=1) > 0.5
    ridge = inner & (magnitude >= LOW) & _is_maximum(gradient, magnitude)
    return _connected(ridge, ridge & (magnitude >= HIGH)).to(grey.dtype)


def _blurred(x: Plane, sigma: float) -> Plane:
    """Filter by a Gaussian, cut off at four standard deviations; pixels outside the image count as 0."""
    radius = int(4 * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    kernel = (-offsets.square() / (2 * sigma**2)).softmax(0)
    columns = conv2d(x, kernel.view(1, 1, -1, 1), padding=(radius, 0))
    return conv2d(columns, kernel.view(1, 1, 1, -1), padding=(0, radius))


def _sobel(x: Plane) -> Float[Tensor, "b 2 h w"]:
    """Return the derivatives down and to the right."""
    x = pad(x, (1,) * 4, "replicate")
    rows, columns = x[:, :, 2:] - x[:, :, :-2], x[..., 2:] - x[..., :-2]
    down = rows[..., :-2] + 2 * rows[..., 1:-1] + rows[..., 2:]
    right = columns[:, :, :-2] + 2 * columns[:, :, 1:-1] + columns[:, :, 2:]
    return torch.cat([down, right], dim=1)


def _is_maximum(gradient: Float[Tensor, "b 2 h w"], magnitude: Plane) -> Tensor:
    """Say where the magnitude is no less than on both sides, one step along the gradient.

    The step ends on the edge of the 3x3 neighbourhood, between a straight and a diagonal neighbour.
    """
    down, right = gradient.abs().split(1, dim=1)
    steep = down > right
    share = torch.minimum(down, right) / torch.maximum(down, right)  # NaN without a gradient, which is no edge
    falling = (gradient[:, :1] * gradient[:, 1:]) >= 0  # along the main diagonal

    height, width = magnitude.shape[-2:]
    around = pad(magnitude, (1,) * 4)

    def neighbour(rows: int, columns: int) -> Plane:
        return around[:, :, 1 + rows : 1 + rows + height, 1 + columns : 1 + columns + width]

    def is_above(side: int) -> Tensor:
        straight = torch.where(steep, neighbour(side, 0), neighbour(0, side))
        upward = torch.where(steep, neighbour(side, -side), neighbour(-side, side))
        diagonal = torch.where(falling, neighbour(side, side), upward)
        return diagonal * share + straight * (1 - share) <= magnitude

    return is_above(1) & is_above(-1)


def _connected(weak: Tensor, strong: Tensor) -> Tensor:
    """Return the weak pixels that touch a strong one, directly or over other weak ones, also at corners.

    Every pixel has the number of a pixel of its component. In each round, all take the highest number beside their
    component, and then the number of the pixel that has their number. Rounds grow as the logarithm of the pixels.
    """
    batch, _, height, width = weak.shape
    pixels = height * width
    exact = torch.float if pixels < 2**24 else torch.double  # pooling takes no integers
    first = torch.arange(1, pixels + 1, dtype=exact, device=weak.device).expand(batch, pixels)
    flat = weak.flatten(1)
    label = torch.where(flat, first, 0.0)
    for _ in range(2 * ceil(log2(pixels))):
        beside = max_pool2d(label.view(batch, 1, height, width), 3, stride=1, padding=1).flatten(1)
        owner = (label.long() - 1).clamp_min(0)
        label = torch.where(flat, label.scatter_reduce(1, owner, torch.where(flat, beside, 0.0), "amax"), 0.0)
        for _ in range(2):
            label = torch.where(flat, label.gather(1, (label.long() - 1).clamp_min(0)), 0.0)
    owner = label.long()
    found = torch.zeros(batch, pixels + 1, dtype=exact, device=weak.device)
    found = found.scatter_reduce(1, owner, strong.flatten(1).to(exact), "amax")
    return (found.gather(1, owner) > 0).view_as(weak) & weak
