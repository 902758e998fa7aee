"""Distances between VGG-16 features (Johnson et al., ECCV 2016; Gatys et al., CVPR 2016).

Each term adds the distance of the raw prediction and that of the composite to the ground truth.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.methods.method import LossContext
from bench_core.nn.backbones import VGG16_POOLS
from bench_core.nn.types import Features, Scalar

COMPARED = ("prediction", "composite")


def perceptual(ctx: LossContext) -> Scalar:
    """Sum over pool1..3 of the mean absolute difference of features."""
    ground_truth = ctx.features(VGG16_POOLS, "image")
    return torch.stack([
        (found - wanted).abs().mean()
        for name in COMPARED
        for found, wanted in zip(ctx.features(VGG16_POOLS, name), ground_truth, strict=True)
    ]).sum()  # fmt: skip


def gram(features: Features) -> Float[Tensor, "b c c"]:
    """Return the channel correlations F F^T / (C H W)."""
    flat = features.flatten(2)
    return flat @ flat.mT / flat[0].numel()


def style(ctx: LossContext) -> Scalar:
    """Sum over pool1..3 of the mean absolute difference of Gram matrices."""
    ground_truth = ctx.cached(
        lambda ctx: [gram(wanted) for wanted in ctx.features(VGG16_POOLS, "image")], "ground-truth Gram matrices"
    )
    return torch.stack([
        (gram(found) - wanted).abs().mean()
        for name in COMPARED
        for found, wanted in zip(ctx.features(VGG16_POOLS, name), ground_truth, strict=True)
    ]).sum()  # fmt: skip
