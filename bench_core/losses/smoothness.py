"""Penalties on differences between neighbouring pixels."""

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import max_pool2d

from bench_core.methods.method import LossContext


def tv(ctx: LossContext) -> Float[Tensor, ""]:
    """Absolute differences of neighbours, both in the hole dilated by 1 pixel, divided by the size of the image."""
    region = max_pool2d(ctx.hole, 3, stride=1, padding=1)
    canvas = ctx.composite
    down = (region[..., 1:, :] * region[..., :-1, :] * (canvas[..., 1:, :] - canvas[..., :-1, :])).abs().sum()
    right = (region[..., 1:] * region[..., :-1] * (canvas[..., 1:] - canvas[..., :-1])).abs().sum()
    return (down + right) / canvas.numel()
