"""Pixel distances for images in [0, 1], averaged over the whole image."""

from bench_core.methods.method import LossContext
from bench_core.nn.types import Scalar


def l1(ctx: LossContext) -> Scalar:
    """Mean absolute error of the raw prediction."""
    return (ctx.prediction - ctx.image).abs().mean()


def l2(ctx: LossContext) -> Scalar:
    """Mean squared error of the raw prediction."""
    return (ctx.prediction - ctx.image).square().mean()


def hole_l1(ctx: LossContext) -> Scalar:
    """Absolute error inside the hole, divided by the size of the whole image."""
    return (ctx.hole * (ctx.prediction - ctx.image)).abs().mean()


def valid_l1(ctx: LossContext) -> Scalar:
    """Absolute error outside the hole, divided by the size of the whole image."""
    return (ctx.valid * (ctx.prediction - ctx.image)).abs().mean()
