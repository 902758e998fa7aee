"""The joint loss in the recipe's order, then the soft-mask GAN (SM-PatchGAN).

The first three are computed on the raw prediction, the adversarial ones on the composite.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import conv2d, interpolate, softmax

from bench_aot_gan.model import AOTGAN
from bench_core.losses.adversarial import least_squares
from bench_core.losses.perceptual import feature_l1, gram_l1
from bench_core.methods import LossContext
from bench_core.nn.backbones import FeatureLayers, vgg_relus
from bench_core.nn.ranges import signed
from bench_core.nn.types import HoleTensor, ImageTensor, Scalar

PERCEPTUAL = vgg_relus("vgg19", "relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1")
STYLE = vgg_relus("vgg19", "relu2_2", "relu3_4", "relu4_4", "relu5_2")
ALL = FeatureLayers("vgg19", tuple(sorted(PERCEPTUAL.layers + STYLE.layers)))
BLUR_RADIUS, BLUR_SIGMA = 35, 10.0

Scores = Float[Tensor, "b 1 h w"]


def l1(ctx: LossContext) -> Scalar:
    """Mean absolute error over all pixels, in units of [-1, 1]."""
    return 2 * (ctx.prediction - ctx.image).abs().mean()


def style(ctx: LossContext) -> Scalar:
    """Distance of Gram matrices."""
    return gram_l1(ctx, STYLE, ("prediction",), within=ALL)


def perceptual(ctx: LossContext) -> Scalar:
    """Distance of features."""
    return feature_l1(ctx, PERCEPTUAL, ("prediction",), within=ALL)


def adversarial(ctx: LossContext) -> Scalar:
    """Generator's loss: pixels in the hole should score 1, like real ones.

    In the released code the weight by the hole cancels out, so that all pixels count.
    """
    return least_squares(_scores(ctx, ctx.composite), 1.0, None if _released(ctx) else ctx.hole)


def discriminator(ctx: LossContext) -> Scalar:
    """Discriminator's loss: known pixels should score 1, and pixels of the composite as their soft mask says.

    The released code has 0 for real pixels, and labels that rise towards 1 inside the hole.
    """
    blurred = soft_mask(ctx.hole)
    real_label, fake_label = (0.0, blurred) if _released(ctx) else (1.0, 1 - blurred)
    # composites first: each pass takes one step of power iteration
    fake = least_squares(_scores(ctx, ctx.composite), fake_label)
    return fake + least_squares(_scores(ctx, ctx.image), real_label)


def soft_mask(hole: HoleTensor) -> HoleTensor:
    """Blur the hole by a Gaussian of standard deviation 10 on 71 x 71 pixels; pixels outside the image count as known.

    The kernel is a product of two kernels of one dimension, so columns and rows are blurred one after the other.
    """
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1, dtype=hole.dtype, device=hole.device)
    kernel = softmax(-offsets.square() / (2 * BLUR_SIGMA**2), dim=0)  # the Gaussian, with sum 1
    columns = conv2d(hole, kernel.view(1, 1, -1, 1), padding=(BLUR_RADIUS, 0))
    return conv2d(columns, kernel.view(1, 1, 1, -1), padding=(0, BLUR_RADIUS))


def _scores(ctx: LossContext, image: ImageTensor) -> Scores:
    """Score the pixels of images in [0, 1]: the discriminator's map, enlarged to the image's size."""
    scores = cast(AOTGAN, ctx.method).discriminator(signed(image))
    return interpolate(scores, image.shape[-2:], mode="bilinear", align_corners=True)


def _released(ctx: LossContext) -> bool:
    return cast(AOTGAN, ctx.method).labels == "released"
