"""The loss terms: reconstruction inside the hole, and an adversarial loss on the raw prediction."""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.losses.adversarial import cross_entropy
from bench_core.methods import LossContext
from bench_core.nn.types import ImageTensor, Scalar
from bench_region_norm.model import RegionNorm


def l1(ctx: LossContext) -> Scalar:
    """Mean absolute error of the composite, divided by the share of hidden pixels in the batch; 0 without a hole."""
    share = ctx.hole.mean().clamp_min(torch.finfo(ctx.hole.dtype).tiny)
    return (ctx.composite - ctx.image).abs().mean() / share


def adversarial(ctx: LossContext) -> Scalar:
    """Generator's loss: patches of the prediction should pass for real."""
    return cross_entropy(_scores(ctx, ctx.prediction), 1.0)


def discriminator(ctx: LossContext) -> Scalar:
    """Discriminator's loss, a mean of one on real and one on predicted images."""
    real = cross_entropy(_scores(ctx, ctx.image), 1.0)  # real images first: each pass takes a step of power iteration
    return (real + cross_entropy(_scores(ctx, ctx.prediction), 0.0)) / 2


def _scores(ctx: LossContext, image: ImageTensor) -> Float[Tensor, "b 1 h2 w2"]:
    return cast(RegionNorm, ctx.method).discriminator(image)
