"""The losses of both networks: Equations 2 to 4 for edges, 6 to 8 for colours, and their discriminators'."""

from dataclasses import replace
from typing import cast

import torch
from torch import Tensor

from bench_core.losses.adversarial import cross_entropy
from bench_core.losses.perceptual import feature_l1, gram
from bench_core.methods import LossContext
from bench_core.nn.backbones import vgg_relus
from bench_core.nn.types import ImageTensor, Scalar
from bench_edge_connect.model import EdgeConnect, Plane, grey

RAW = {"mean": (0.0, 0.0, 0.0), "std": (1.0, 1.0, 1.0)}
"""The official code feeds VGG-19 with images in [0, 1], without ImageNet's mean and deviation."""
PERCEPTUAL = replace(vgg_relus("vgg19", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), **RAW)
STYLE = replace(vgg_relus("vgg19", "relu2_2", "relu3_4", "relu4_4", "relu5_2"), **RAW)


def edge_adversarial(ctx: LossContext) -> Scalar:
    """Edge model's loss: its map, beside the grey ground truth, should score as real."""
    return cross_entropy(_drawn_features(ctx)[-1], 1.0)


def feature_matching(ctx: LossContext) -> Scalar:
    """Sum over the discriminator's five layers of the mean absolute difference from the true edges' features."""
    with torch.no_grad():
        wanted = _edge_features(ctx, _edges(ctx)[1])
    return torch.stack(
        [(found - real).abs().mean() for found, real in zip(_drawn_features(ctx), wanted, strict=True)]
    ).sum()


def edge_discriminator(ctx: LossContext) -> Scalar:
    """Edge discriminator's loss, on the edge model's whole map and the true edges."""
    drawn, edges = _edges(ctx)
    return _discriminator(_edge_features(ctx, edges)[-1], _edge_features(ctx, drawn)[-1])


def l1(ctx: LossContext) -> Scalar:
    """Mean absolute error of whole images, divided by the hole's mean over the batch."""
    return (ctx.prediction - ctx.image).abs().mean() / ctx.hole.mean()


def adversarial(ctx: LossContext) -> Scalar:
    """Inpainting model's loss: its raw prediction should score as real."""
    return cross_entropy(_scores(ctx, ctx.prediction), 1.0)


def discriminator(ctx: LossContext) -> Scalar:
    """Discriminator's loss, on raw predictions and images."""
    return _discriminator(_scores(ctx, ctx.image), _scores(ctx, ctx.prediction))


def perceptual(ctx: LossContext) -> Scalar:
    """Distance of features."""
    return feature_l1(ctx, PERCEPTUAL, ("prediction",))


def style(ctx: LossContext) -> Scalar:
    """Sum over layers of the mean absolute difference of Gram matrices, of images that are black outside the hole."""
    found = ctx.backbones.features(STYLE, ctx.prediction * ctx.hole)
    wanted = ctx.backbones.features(STYLE, ctx.image * ctx.hole)
    return torch.stack([(gram(a) - gram(b)).abs().mean() for a, b in zip(found, wanted, strict=True)]).sum()


def _discriminator(real: Tensor, fake: Tensor) -> Scalar:
    return (cross_entropy(real, 1.0) + cross_entropy(fake, 0.0)) / 2


def _edges(ctx: LossContext) -> tuple[Plane, Plane]:
    """Return the edge model's map and the true edges."""
    drawn, edges = ctx.output.extras["edges"]
    return drawn, edges


def _drawn_features(ctx: LossContext) -> list[Tensor]:
    return ctx.cached(lambda ctx: _edge_features(ctx, _edges(ctx)[0]), "drawn edges")


def _edge_features(ctx: LossContext, edges: Plane) -> list[Tensor]:
    network = cast(EdgeConnect, ctx.method).edge_discriminator
    return network.features(torch.cat([grey(ctx.image), edges], dim=1))


def _scores(ctx: LossContext, image: ImageTensor) -> Tensor:
    return cast(EdgeConnect, ctx.method).discriminator(image)
