"""Penalties on differences between neighbouring pixels."""

from torch.nn.functional import max_pool2d

from bench_core.methods.method import LossContext
from bench_core.nn.types import Scalar


def tv(ctx: LossContext) -> Scalar:
    """Absolute differences of neighbours that both lie in the hole dilated by 1 pixel, divided by the image's size."""
    region = max_pool2d(ctx.hole, 3, stride=1, padding=1)
    image = ctx.composite
    down = (region[..., 1:, :] * region[..., :-1, :] * (image[..., 1:, :] - image[..., :-1, :])).abs().sum()
    right = (region[..., 1:] * region[..., :-1] * (image[..., 1:] - image[..., :-1])).abs().sum()
    return (down + right) / image.numel()
