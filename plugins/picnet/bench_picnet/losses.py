"""The loss terms of both paths (Section 3.3), and of their discriminators. Pixels are in units of [-1, 1].

Names end in `rec` for the reconstructive path and in `g` for the generative one.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from bench_core.losses.adversarial import least_squares
from bench_core.losses.divergence import Gaussian, gaussian_kl
from bench_core.methods import LossContext
from bench_core.nn.ranges import signed
from bench_core.nn.types import HoleTensor, ImageTensor, Scalar
from bench_picnet.model import PICNet

SCALES = (8, 4, 2, 1)
"""Sizes of the images that are compared, as divisors of the full size."""


def kl_rec(ctx: LossContext) -> Scalar:
    """Divergence of the posterior from the target, a normal distribution that is narrower for smaller holes."""
    return _kl_from_target(ctx, "posterior")


def kl_g(ctx: LossContext) -> Scalar:
    """Divergence of the prior from the posterior, which takes no gradient."""
    posterior, prior = (Gaussian(*ctx.output.extras[name]) for name in ("posterior", "prior"))
    return gaussian_kl(Gaussian(*(values.detach() for values in posterior)), prior)


def kl_one_path(ctx: LossContext) -> Scalar:
    """Divergence of the prior from the target, for the form without a posterior."""
    return _kl_from_target(ctx, "prior")


def app_rec(ctx: LossContext) -> Scalar:
    """L1 of the reconstructed images on the whole image, summed over sizes."""
    return _whole_l1(ctx, "reconstructed")


def app_g(ctx: LossContext) -> Scalar:
    """L1 of the generated images on the known pixels, divided by the number of all, summed over sizes."""
    triples = zip(ctx.output.extras["generated"], ctx.cached(images), pyramid(ctx.valid), strict=True)
    return torch.stack([((found - image) * known).abs().mean() for found, image, known in triples]).sum()


def app_one_path(ctx: LossContext) -> Scalar:
    """L1 of the generated images on the whole image, for the form without reconstructed ones."""
    return _whole_l1(ctx, "generated")


def ad_rec(ctx: LossContext) -> Scalar:
    """Squared distance between the scores of the reconstructed and the real image."""
    discriminator = cast(PICNet, ctx.method).discriminator_rec
    fake = discriminator(ctx.output.extras["reconstructed"][-1])
    return least_squares(fake, discriminator(signed(ctx.image)))


def ad_g(ctx: LossContext) -> Scalar:
    """Squared distance of the generated image's scores from 1."""
    return least_squares(cast(PICNet, ctx.method).discriminator(ctx.output.extras["generated"][-1]), 1.0)


def discriminator(ctx: LossContext) -> Scalar:
    """Least squares: real images score 1, and generated ones 0."""
    real, fake = map(cast(PICNet, ctx.method).discriminator, (signed(ctx.image), ctx.output.extras["generated"][-1]))
    return _real_or_fake(real, fake)


def discriminator_rec(ctx: LossContext) -> Scalar:
    """Least squares: real images score 1, and reconstructed ones 0."""
    network = cast(PICNet, ctx.method).discriminator_rec
    return _real_or_fake(*map(network, (signed(ctx.image), ctx.output.extras["reconstructed"][-1])))


def target_deviation(hole: HoleTensor) -> Float[Tensor, "b 1 1 1"]:
    """Return the target's standard deviation: near 1 for large holes, 0.17 without a hole."""
    known = 1 - hole.mean(dim=(1, 2, 3), keepdim=True)
    return torch.sigmoid(8 * (0.8 - (known - 1e-5)))


def images(ctx: LossContext) -> list[Float[Tensor, "b c _ _"]]:
    """Return the ground truth at all sizes, which both paths are compared with."""
    return pyramid(signed(ctx.image))


def pyramid(image: ImageTensor) -> list[Float[Tensor, "b c _ _"]]:
    """Shrink to all sizes, by interpolating linearly between pixels, of which the corners stay corners."""
    height, width = image.shape[-2:]
    sizes = [(height // scale, width // scale) for scale in SCALES[:-1]]
    return [*(interpolate(image, size, mode="bilinear", align_corners=True) for size in sizes), image]


def _kl_from_target(ctx: LossContext, name: str) -> Scalar:
    found = Gaussian(*ctx.output.extras[name])
    deviation = target_deviation(ctx.hole).expand_as(found.deviation)
    return gaussian_kl(Gaussian(torch.zeros_like(found.mean), deviation), found)


def _whole_l1(ctx: LossContext, name: str) -> Scalar:
    pairs = zip(ctx.output.extras[name], ctx.cached(images), strict=True)
    return torch.stack([(found - image).abs().mean() for found, image in pairs]).sum()


def _real_or_fake(real: Float[Tensor, "b 1 h w"], fake: Float[Tensor, "b 1 h w"]) -> Scalar:
    return 0.5 * (least_squares(real, 1.0) + least_squares(fake, 0.0))
