"""The loss terms: Eq. 2 and 3 of the paper, then the squared errors of the report for CIFAR-10.

The discriminator scores composites, never raw predictions. A real image's local patch has a place of its own (M_d in
the paper). It lies around the hole of the next image in the batch, which is as good as a newly drawn hole.
"""

from typing import cast

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from bench_core.methods import LossContext
from bench_core.nn.hole_crops import centred_corners, crop
from bench_core.nn.types import HoleTensor, ImageTensor, Scalar
from bench_glcic.model import GLCIC

Logits = Float[Tensor, "b 1"]


def mse(ctx: LossContext) -> Scalar:
    """Eq. 2: squared error inside the hole, averaged over all pixels and channels."""
    return (ctx.hole * (ctx.prediction - ctx.image)).square().mean()


def adversarial(ctx: LossContext) -> Scalar:
    """Eq. 3 for the generator, in the form that does not saturate: -log D."""
    return softplus(-_fake_logits(ctx)).mean()


def discriminator(ctx: LossContext) -> Scalar:
    """Eq. 3 for the discriminators: -log D of real images, -log(1 - D) of composites."""
    return softplus(-_real_logits(ctx)).mean() + softplus(_fake_logits(ctx)).mean()


def squared_adversarial(ctx: LossContext) -> Scalar:
    """(D(composite) - 1)^2, for the generator."""
    return (_fake_logits(ctx).sigmoid() - 1).square().mean()


def squared_real(ctx: LossContext) -> Scalar:
    """(D(image) - 1)^2, for the discriminators."""
    return (_real_logits(ctx).sigmoid() - 1).square().mean()


def squared_fake(ctx: LossContext) -> Scalar:
    """D(composite)^2, for the discriminators."""
    return _fake_logits(ctx).sigmoid().square().mean()


def _real_logits(ctx: LossContext) -> Logits:
    return _logits(ctx, ctx.image, ctx.hole.roll(-1, dims=0))


def _fake_logits(ctx: LossContext) -> Logits:
    return _logits(ctx, ctx.composite, ctx.hole)


def _logits(ctx: LossContext, image: ImageTensor, hole: HoleTensor) -> Logits:
    return cast(GLCIC, ctx.method).discriminator(image, crop(image, centred_corners(hole)))
