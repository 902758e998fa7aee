"""The loss terms in the paper's order. All look at the composite, never at the raw prediction.

`self_guided`, `fm_vgg` and `align` need VGG-19 only, so any method may be trained with them.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from bench_core.losses.adversarial import relativistic_average
from bench_core.methods import LossContext
from bench_core.nn.backbones import IMAGENET_MEAN, FeatureLayers
from bench_dmfn import crops
from bench_dmfn.model import DMFN

Scalar = Float[Tensor, ""]

VGG19_RELUS = FeatureLayers("vgg19", (1, 6, 11, 20, 29))
"""relu1_1 to relu5_1."""
OFFICIAL_RELUS = FeatureLayers("vgg19", VGG19_RELUS.layers, mean=tuple(mean / 2 for mean in IMAGENET_MEAN))
"""As the official code reads them: it normalises [-1, 1] by mean m - 1 and deviation 2 s, where 2 m - 1 is right."""
LAYER_WEIGHTS = tuple(1000 / channels**2 for channels in (64, 128, 256, 512, 512))


def mae(ctx: LossContext) -> Scalar:
    """Mean absolute error over all pixels, known ones included, in units of [-1, 1]."""
    return 2 * (ctx.composite - ctx.image).abs().mean()


def self_guided(ctx: LossContext) -> Scalar:
    """Distances of relu1_1 and relu2_1, weighted by where the canvas is wrong."""
    first = ctx.cached(guidance)
    maps = (first, avg_pool2d(first, 2))
    distances = ctx.cached(vgg_distances)[: len(maps)]
    return _weighted([guide * distance for guide, distance in zip(maps, distances, strict=True)])


def guidance(ctx: LossContext) -> Float[Tensor, "b 1 h w"]:
    """The squared error, averaged over colours and stretched to [0, 1] in each image; 0 where nothing is wrong."""
    # detached and not under no_grad, which the composite that all terms share would remember
    error = (ctx.composite.detach() - ctx.image).square().mean(dim=1, keepdim=True)
    lowest, highest = error.amin(dim=(2, 3), keepdim=True), error.amax(dim=(2, 3), keepdim=True)
    return (error - lowest) / (highest - lowest).clamp_min(torch.finfo(error.dtype).tiny)


def fm_vgg(ctx: LossContext) -> Scalar:
    """Feature matching: distances of relu1_1 to relu5_1."""
    return _weighted(ctx.cached(vgg_distances))


def fm_dis(ctx: LossContext) -> Scalar:
    """Feature matching: distances of the five maps of the discriminator's local branch."""
    (_, wanted), (_, found) = ctx.cached(_real), ctx.cached(_fake)
    return _weighted([(f - w.detach()).abs() for f, w in zip(found, wanted, strict=True)])


def adversarial(ctx: LossContext) -> Scalar:
    """The generator's side of the relativistic average game."""
    (real, _), (fake, _) = ctx.cached(_real), ctx.cached(_fake)
    return relativistic_average(higher=fake, lower=real.detach())


def align(ctx: LossContext) -> Scalar:
    """Mean squared distance between the centres of mass of the channels of relu4_1."""
    found, wanted = (ctx.features(_taps(ctx), of)[3] for of in ("composite", "image"))
    return (centres(found) - centres(wanted)).square().mean()


def centres(features: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k 2"]:
    """Each channel's centre of mass (x, y), in coordinates 2 j / size - 1."""
    mass = features + 1e-7
    share = mass / mass.sum(dim=(2, 3), keepdim=True)
    height, width = features.shape[-2:]
    x = 2 * torch.arange(width, device=features.device) / width - 1
    y = 2 * torch.arange(height, device=features.device) / height - 1
    return torch.stack([(share.sum(dim=2) * x).sum(dim=2), (share.sum(dim=3) * y).sum(dim=2)], dim=2)


def discriminator(ctx: LossContext) -> Scalar:
    """The discriminator's side of the relativistic average game."""
    (real, _), (fake, _) = ctx.cached(_real), ctx.cached(_fake)
    return relativistic_average(higher=real, lower=fake)


def vgg_distances(ctx: LossContext) -> list[Tensor]:
    """Absolute differences of the features of composite and image, layer by layer."""
    found, wanted = (ctx.features(_taps(ctx), of) for of in ("composite", "image"))
    return [(f - w).abs() for f, w in zip(found, wanted, strict=True)]


def _weighted(maps: list[Tensor]) -> Scalar:
    """Means over all elements, weighted layer by layer; of the first layers if there are fewer than five."""
    return torch.stack([weight * one.mean() for weight, one in zip(LAYER_WEIGHTS, maps, strict=False)]).sum()


def _taps(ctx: LossContext) -> FeatureLayers:
    return OFFICIAL_RELUS if getattr(ctx.method, "official_vgg_norm", False) else VGG19_RELUS


def _windows(ctx: LossContext) -> Tensor:
    return crops.corners(ctx.hole)


def _judge(ctx: LossContext, image: Tensor) -> tuple[Tensor, list[Tensor]]:
    canvas = 2 * image - 1
    return cast(DMFN, ctx.method).discriminator(canvas, crops.crop(canvas, ctx.cached(_windows)))


def _real(ctx: LossContext) -> tuple[Tensor, list[Tensor]]:
    return _judge(ctx, ctx.image)


def _fake(ctx: LossContext) -> tuple[Tensor, list[Tensor]]:
    return _judge(ctx, ctx.composite)
