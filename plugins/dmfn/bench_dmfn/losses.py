"""The loss terms in the paper's order. All are computed on the composite, never on the raw prediction.

`self_guided`, `fm_vgg` and `align` need VGG-19 only, so you can train any method with them.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from bench_core.losses.adversarial import relativistic_average
from bench_core.methods import LossContext
from bench_core.nn.backbones import IMAGENET_MEAN, FeatureLayers
from bench_core.nn.hole_crops import crop, fitting_corners
from bench_core.nn.ranges import signed
from bench_core.nn.types import Features, ImageTensor, Scalar
from bench_dmfn.model import DMFN

VGG19_RELUS = FeatureLayers("vgg19", (1, 6, 11, 20, 29))
"""relu1_1 to relu5_1."""
OFFICIAL_RELUS = FeatureLayers("vgg19", VGG19_RELUS.layers, mean=tuple(mean / 2 for mean in IMAGENET_MEAN))
"""With the official code's normalisation: mean m - 1 and deviation 2 s on [-1, 1], where 2 m - 1 is right."""
LAYER_WEIGHTS = tuple(1000 / channels**2 for channels in (64, 128, 256, 512, 512))


def mae(ctx: LossContext) -> Scalar:
    """Mean absolute error over all pixels, known ones included, in units of [-1, 1]."""
    return 2 * (ctx.composite - ctx.image).abs().mean()


def self_guided(ctx: LossContext) -> Scalar:
    """Distances of relu1_1 and relu2_1, weighted by the guidance map."""
    first = ctx.cached(guidance)
    maps = (first, avg_pool2d(first, 2))
    distances = ctx.cached(vgg_distances)[: len(maps)]
    return _weighted([weight * distance for weight, distance in zip(maps, distances, strict=True)])


def guidance(ctx: LossContext) -> Float[Tensor, "b 1 h w"]:
    """Return the guidance map: the squared error averaged over colours, stretched to [0, 1] in each image.

    The map is 0 where the whole image is right.
    """
    # detached, not under no_grad: the cached composite, which other terms share, would be without gradient then
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
    """Generator's relativistic average loss."""
    (real, _), (fake, _) = ctx.cached(_real), ctx.cached(_fake)
    return relativistic_average(higher=fake, lower=real.detach())


def align(ctx: LossContext) -> Scalar:
    """Mean squared distance between the centres of mass of the channels of relu4_1."""
    found, wanted = (ctx.features(_vgg19_layers(ctx), of)[3] for of in ("composite", "image"))
    distances = (centres(found) - centres(wanted)).square()
    if getattr(ctx.method, "align", "paper") == "released":
        distances = distances[..., 0]  # the released code means x and y, but computes x twice
    return distances.mean()


def centres(features: Features) -> Float[Tensor, "b c 2"]:
    """Return each channel's centre of mass (x, y), in coordinates 2 j / size - 1."""
    mass = features + 1e-7
    share = mass / mass.sum(dim=(2, 3), keepdim=True)
    height, width = features.shape[-2:]
    x = 2 * torch.arange(width, device=features.device) / width - 1
    y = 2 * torch.arange(height, device=features.device) / height - 1
    return torch.stack([(share.sum(dim=2) * x).sum(dim=2), (share.sum(dim=3) * y).sum(dim=2)], dim=2)


def discriminator(ctx: LossContext) -> Scalar:
    """Discriminator's relativistic average loss."""
    (real, _), (fake, _) = ctx.cached(_real), ctx.cached(_fake)
    return relativistic_average(higher=real, lower=fake)


def vgg_distances(ctx: LossContext) -> list[Tensor]:
    """Return the absolute differences between features of composite and image, layer by layer."""
    found, wanted = (ctx.features(_vgg19_layers(ctx), of) for of in ("composite", "image"))
    return [(f - w).abs() for f, w in zip(found, wanted, strict=True)]


def _weighted(maps: list[Tensor]) -> Scalar:
    """Sum the layers' means by `LAYER_WEIGHTS`; fewer than five maps are those of the first layers."""
    return torch.stack([weight * layer.mean() for weight, layer in zip(LAYER_WEIGHTS, maps, strict=False)]).sum()


def _vgg19_layers(ctx: LossContext) -> FeatureLayers:
    return OFFICIAL_RELUS if getattr(ctx.method, "official_vgg_norm", False) else VGG19_RELUS


def _corners(ctx: LossContext) -> Tensor:
    return fitting_corners(ctx.hole)


def _discriminate(ctx: LossContext, image: ImageTensor) -> tuple[Tensor, list[Tensor]]:
    """Return the score and the local feature maps. Real and fake images share their crops' places."""
    image = signed(image)
    return cast(DMFN, ctx.method).discriminator(image, crop(image, ctx.cached(_corners)))


def _real(ctx: LossContext) -> tuple[Tensor, list[Tensor]]:
    return _discriminate(ctx, ctx.image)


def _fake(ctx: LossContext) -> tuple[Tensor, list[Tensor]]:
    return _discriminate(ctx, ctx.composite)
