"""Distances between pixels in [0, 1]. All are means over the whole canvas."""

from jaxtyping import Float
from torch import Tensor

from bench_core.methods.method import LossContext


def l1(ctx: LossContext) -> Float[Tensor, ""]:
    """Mean absolute error of the raw prediction."""
    return (ctx.prediction - ctx.image).abs().mean()


def l2(ctx: LossContext) -> Float[Tensor, ""]:
    """Mean squared error of the raw prediction."""
    return (ctx.prediction - ctx.image).square().mean()


def hole_l1(ctx: LossContext) -> Float[Tensor, ""]:
    """Absolute error inside the hole, divided by the size of the whole image."""
    return (ctx.hole * (ctx.prediction - ctx.image)).abs().mean()


def valid_l1(ctx: LossContext) -> Float[Tensor, ""]:
    """Absolute error outside the hole, divided by the size of the whole image."""
    return (ctx.valid * (ctx.prediction - ctx.image)).abs().mean()
