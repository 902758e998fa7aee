"""Distances between features of VGG-16 (Johnson et al., ECCV 2016; Gatys et al., CVPR 2016).

Each is taken for the raw prediction and for the composite, and the two are added.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.methods.method import LossContext
from bench_core.nn.backbones import VGG16_POOLS

PAINTED = ("prediction", "composite")


def perceptual(ctx: LossContext) -> Float[Tensor, ""]:
    """Sum over pool1..3 of the mean absolute difference of features."""
    truth = ctx.features(VGG16_POOLS, "image")
    return torch.stack([
        (found - wanted).abs().mean()
        for of in PAINTED
        for found, wanted in zip(ctx.features(VGG16_POOLS, of), truth, strict=True)
    ]).sum()  # fmt: skip


def gram(features: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c c"]:
    """Channel correlations F F^T / (C H W)."""
    flat = features.flatten(2)
    return flat @ flat.mT / flat[0].numel()


def style(ctx: LossContext) -> Float[Tensor, ""]:
    """Sum over pool1..3 of the mean absolute difference of Gram matrices."""
    truth = ctx.cached(lambda ctx: [gram(wanted) for wanted in ctx.features(VGG16_POOLS, "image")], "truth's Gram")
    return torch.stack([
        (gram(found) - wanted).abs().mean()
        for of in PAINTED
        for found, wanted in zip(ctx.features(VGG16_POOLS, of), truth, strict=True)
    ]).sum()  # fmt: skip
