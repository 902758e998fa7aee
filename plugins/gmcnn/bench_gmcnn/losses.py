"""Loss terms of both versions, in units of [-1, 1]. Images of a batch may have different holes.

Terms of the TensorFlow version start with `tf_`.
"""

from dataclasses import replace
from typing import cast

import torch
from jaxtyping import Float, Int
from torch import Tensor

from bench_core.losses.adversarial import gradient_penalty, hinge_discriminator
from bench_core.methods import LossContext
from bench_core.nn.backbones import FeatureLayers, vgg_relus
from bench_core.nn.discriminators import Critic
from bench_core.nn.hole_crops import crop, fitting_corners
from bench_core.nn.ranges import signed
from bench_core.nn.types import Features, HoleTensor, ImageTensor, Scalar
from bench_gmcnn.confidence import confidence
from bench_gmcnn.discriminators import HoleCritic, Scores
from bench_gmcnn.id_mrf import id_mrf as distance
from bench_gmcnn.id_mrf import vectors
from bench_gmcnn.model import GMCNN

# the PyTorch version asks for relu3_2 and relu4_2, but counts convolutions and ReLUs of a block together
VGG = replace(vgg_relus("vgg19", "relu3_1", "relu4_1"), std=(1.0, 1.0, 1.0))
"""Only the mean is subtracted."""
TF_VGG = replace(
    vgg_relus("vgg19", "relu3_2", "relu4_2"),
    mean=(123.68 / 255, 116.779 / 255, 103.939 / 255),
    std=(1 / 255, 1 / 255, 1 / 255),
    pooling="average",
)
"""As for MatConvNet's VGG-19, whose pixels are in [0, 255]."""
LAYER_WEIGHTS = (1.0, 2.0)
"""The first layer compares styles. The second one does so and compares contents, by the same distance."""
MAX_POSITIONS = 65**2
"""Positions of a map that the TensorFlow version compares at most."""


def reconstruction(ctx: LossContext, window: int = 65, sigma: float = 1 / 40, rounds: int = 7) -> Scalar:
    """Confidence-driven reconstruction: error in the hole, weighted by confidence.

    `window`, `sigma` and `rounds` are those of `bench_gmcnn.confidence.confidence`.
    """
    weights = confidence(ctx.hole, window, sigma, rounds, mirrored=True)
    return _mean_over(ctx.hole, weights * _errors(ctx))


def tf_reconstruction(ctx: LossContext, window: int = 64, sigma: float = 1 / 40, rounds: int = 7) -> Scalar:
    """Error in the hole, weighted by confidence, over the local part of the image."""
    weights = confidence(ctx.hole, window, sigma, rounds, mirrored=False)
    return _local(ctx, weights * _errors(ctx)).mean()


def autoencoding(ctx: LossContext) -> Scalar:
    """Error of the raw prediction over known pixels."""
    return _mean_over(ctx.valid, ctx.valid * _errors(ctx))


def id_mrf(ctx: LossContext) -> Scalar:
    """ID-MRF between the local parts of composite and image, summed over the batch."""
    generated, wanted = (_features(ctx, VGG, image) for image in (ctx.composite, ctx.image))
    distances = []
    for found, target in zip(generated, wanted, strict=True):
        mean = target.mean(dim=1, keepdim=True)  # over channels, at every position
        distances.append(distance(vectors(found - mean), vectors(target - mean)).sum())
    return _weighted(distances)


def tf_id_mrf(ctx: LossContext) -> Scalar:
    """ID-MRF between the local parts of image and raw prediction, averaged over the batch.

    The roles are exchanged: every generated position should be the nearest of some position of the image.
    """
    # channels are blue, green, red, but the means that are subtracted are in the order red, green, blue
    generated, wanted = (_features(ctx, TF_VGG, image.flip(1)) for image in (ctx.prediction, ctx.image))
    distances = []
    for found, target in zip(generated, wanted, strict=True):
        mean = found.mean(dim=(0, 2, 3), keepdim=True)
        distances.append(distance(*_sampled(vectors(target - mean), vectors(found - mean))).mean())
    return _weighted(distances)


def adversarial(ctx: LossContext) -> Scalar:
    """Generator's loss: the negated mean scores of both discriminators."""
    whole, local = _scores(ctx, ctx.composite)
    return -whole.mean() - local.mean()


def discriminator(ctx: LossContext) -> Scalar:
    """Hinge losses of both discriminators."""
    # composites first: each pass takes one step of power iteration
    fakes, reals = _scores(ctx, ctx.composite), _scores(ctx, ctx.image)
    hinges = [hinge_discriminator(real, fake) for real, fake in zip(reals, fakes, strict=True)]
    return 2 * torch.stack(hinges).sum()


def tf_score_gap(ctx: LossContext) -> Scalar:
    """Both critics' mean scores of composites minus those of images."""
    fakes, reals = _scores(ctx, ctx.composite), _scores(ctx, ctx.image)
    return torch.stack([(fake - real).mean() for real, fake in zip(reals, fakes, strict=True)]).sum()


def tf_gradient_penalty(ctx: LossContext) -> Scalar:
    """Both critics' WGAN-GP penalties inside the hole, each at its own random points."""
    critics = cast(GMCNN, ctx.method).discriminator
    whole, local = cast(Critic, critics.global_discriminator), cast(Critic, critics.local_discriminator)
    real, fake = signed(ctx.image), signed(ctx.composite)
    penalty = gradient_penalty(whole.input_gradient, real, fake, ctx.hole)
    if isinstance(local, HoleCritic):
        return penalty + gradient_penalty(lambda x: local.input_gradient(x, ctx.hole), real, fake, ctx.hole)
    return penalty + gradient_penalty(local.input_gradient, *(_local(ctx, x) for x in (real, fake, ctx.hole)))


def corners(ctx: LossContext) -> Int[Tensor, "b 2"]:
    """Return the places of the crops, which all terms of an update share."""
    return fitting_corners(ctx.hole)


def _local(ctx: LossContext, image: Features) -> Float[Tensor, "b c h2 w2"]:
    """Return the part of an image that the local discriminator sees: a crop around the hole, or all of it."""
    return image if cast(GMCNN, ctx.method).local == "image" else crop(image, ctx.cached(corners))


def _scores(ctx: LossContext, image: ImageTensor) -> tuple[Scores, Scores]:
    """Return both discriminators' scores of images in [0, 1]."""
    critics, image = cast(GMCNN, ctx.method).discriminator, signed(image)
    sees_hole = isinstance(critics.local_discriminator, HoleCritic)
    return critics(image, _local(ctx, image), *([ctx.hole] if sees_hole else []))


def _errors(ctx: LossContext) -> ImageTensor:
    return 2 * (ctx.prediction - ctx.image).abs()


def _mean_over(region: HoleTensor, errors: ImageTensor) -> Scalar:
    """Average errors, which are 0 outside the region, over the region of each image. An empty one counts as 0."""
    sizes = region.mean(dim=(1, 2, 3)).clamp_min(torch.finfo(region.dtype).tiny)
    return (errors.mean(dim=(1, 2, 3)) / sizes).mean()


def _features(ctx: LossContext, layers: FeatureLayers, image: ImageTensor) -> list[Tensor]:
    return ctx.backbones.features(layers, _local(ctx, image))


def _sampled(*sets: Float[Tensor, "b n c"]) -> list[Float[Tensor, "b m c"]]:
    """Keep at most `MAX_POSITIONS` positions, the same of all sets. Torch's global generator draws them."""
    count = sets[0].shape[1]
    if count <= MAX_POSITIONS:
        return list(sets)
    chosen = torch.randperm(count)[:MAX_POSITIONS].to(sets[0].device, non_blocking=True)
    return [one.index_select(1, chosen) for one in sets]


def _weighted(distances: list[Scalar]) -> Scalar:
    return torch.stack([weight * one for weight, one in zip(LAYER_WEIGHTS, distances, strict=True)]).sum()
