"""The loss terms: Eq. 2 and 3 of the paper, then those of the report for CIFAR-10, which are all squared errors.

The discriminator sees composites. Beside a whole real image it sees a patch of it at a place of its own: that of the
hole of the next image in the batch, which is as good as one drawn anew (M_d in the paper).
"""

from typing import cast

from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import softplus

from bench_core.methods import LossContext
from bench_glcic import windows
from bench_glcic.model import GLCIC

Scalar = Float[Tensor, ""]
Logits = Float[Tensor, "b 1"]


def mse(ctx: LossContext) -> Scalar:
    """Eq. 2: squared error inside the hole, as a mean over all pixels and channels."""
    return (ctx.hole * (ctx.prediction - ctx.image)).square().mean()


def adversarial(ctx: LossContext) -> Scalar:
    """The generator's side of Eq. 3, which does not saturate: -log D."""
    return softplus(-_of_fake(ctx)).mean()


def discriminator(ctx: LossContext) -> Scalar:
    """The discriminators' side of Eq. 3: -log D of real images, -log(1 - D) of composites."""
    return softplus(-_of_real(ctx)).mean() + softplus(_of_fake(ctx)).mean()


def squared_adversarial(ctx: LossContext) -> Scalar:
    return (_of_fake(ctx).sigmoid() - 1).square().mean()


def squared_real(ctx: LossContext) -> Scalar:
    return (_of_real(ctx).sigmoid() - 1).square().mean()


def squared_fake(ctx: LossContext) -> Scalar:
    return _of_fake(ctx).sigmoid().square().mean()


def _of_real(ctx: LossContext) -> Logits:
    return _judge(ctx, ctx.image, ctx.hole.roll(-1, dims=0))


def _of_fake(ctx: LossContext) -> Logits:
    return _judge(ctx, ctx.composite, ctx.hole)


def _judge(ctx: LossContext, canvas: Float[Tensor, "b c h w"], hole: Float[Tensor, "b 1 h w"]) -> Logits:
    return cast(GLCIC, ctx.method).discriminator(canvas, windows.around(hole, canvas))
