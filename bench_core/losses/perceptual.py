"""Distances between features of a backbone (Johnson et al., ECCV 2016; Gatys et al., CVPR 2016).

Every method can use the terms `perceptual` and `style`. They add the distance of the raw prediction and that of the
composite to the ground truth. A method with other layers calls `feature_l1` and `gram_l1`.
"""

from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from bench_core.methods.method import LossContext
from bench_core.nn.backbones import VGG16_POOLS, FeatureLayers
from bench_core.nn.precision import without_autocast
from bench_core.nn.types import Features, Scalar

Name = Literal["image", "prediction", "composite"]
COMPARED: tuple[Name, ...] = ("prediction", "composite")


def perceptual(ctx: LossContext) -> Scalar:
    """Sum over pool1..3 of the mean absolute difference of features."""
    return feature_l1(ctx, VGG16_POOLS)


def style(ctx: LossContext) -> Scalar:
    """Sum over pool1..3 of the mean absolute difference of Gram matrices."""
    return gram_l1(ctx, VGG16_POOLS)


def feature_l1(
    ctx: LossContext, layers: FeatureLayers, of: tuple[Name, ...] = COMPARED, within: FeatureLayers | None = None
) -> Scalar:
    """Sum over layers of the mean absolute difference from the ground truth's features.

    Args:
        ctx: the batch.
        layers: layers to compare.
        of: images to compare with the ground truth; their distances are added.
        within: all layers that a method's terms read, so that the terms share one pass through the backbone.
    """
    return _l1(ctx, _unchanged, layers, of, within or layers)


def gram_l1(
    ctx: LossContext, layers: FeatureLayers, of: tuple[Name, ...] = COMPARED, within: FeatureLayers | None = None
) -> Scalar:
    """Sum over layers of the mean absolute difference from the ground truth's Gram matrices.

    The arguments are those of `feature_l1`.
    """
    return _l1(ctx, gram, layers, of, within or layers)


def gram(features: Features) -> Float[Tensor, "b c c"]:
    """Return the channel correlations F F^T / (C H W), in 32 bits or more."""
    with without_autocast(features.device):  # 16 bits are too few for sums over all pixels
        flat = features.to(torch.promote_types(features.dtype, torch.float32)).flatten(2)
        return flat @ flat.mT / flat[0].numel()


def _l1(
    ctx: LossContext,
    view: Callable[[Features], Tensor],
    layers: FeatureLayers,
    of: tuple[Name, ...],
    within: FeatureLayers,
) -> Scalar:
    places = [within.layers.index(layer) for layer in layers.layers]

    def views(name: Name) -> list[Tensor]:
        maps = ctx.features(within, name)
        return [view(maps[place]) for place in places]

    ground_truth = views("image")
    return torch.stack([
        (found - wanted).abs().mean() for name in of for found, wanted in zip(views(name), ground_truth, strict=True)
    ]).sum()  # fmt: skip


def _unchanged(features: Features) -> Features:
    return features
