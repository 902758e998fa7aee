"""The gradient term, which you can add to any method, and the Wasserstein losses of the third model.

The paper's L_inp = mean(M (a + alpha g) + (1 - M) a) is `l1` + alpha `grad_l1`: a = |D| and g are maps of the error
D = image - prediction, and M is the hole grown by some pixels.
"""

from typing import cast

from torch.nn.functional import max_pool2d, pad

from bench_core.errors import BadInput
from bench_core.losses.adversarial import gradient_penalty as wgan_gradient_penalty
from bench_core.methods import LossContext
from bench_core.methods.method import HoleTensor, ImageTensor
from bench_core.nn.ranges import signed
from bench_core.nn.types import Scalar
from bench_gradient_attention.model import Adversarial

MARGINS = range(9)


def grad_l1(ctx: LossContext, margin: int = 4) -> Scalar:
    """Mean of M g over the raw prediction, for pixels in [0, 1].

    Raises:
        BadInput: `margin`, the pixels by which the hole is grown to M, is not in 0..8.
    """
    return (grow(ctx.hole, margin) * image_gradient(ctx.image - ctx.prediction)).mean()


def image_gradient(error: ImageTensor) -> ImageTensor:
    """Return g: |difference from the pixel above| + |difference from the pixel to the left|.

    Differences that the first row and the first column lack count as 0.
    """
    vertical, horizontal = error.diff(dim=2).abs(), error.diff(dim=3).abs()
    return pad(vertical, (0, 0, 1, 0)) + pad(horizontal, (1, 0, 0, 0))


def grow(hole: HoleTensor, margin: int) -> HoleTensor:
    """Return M: the hole with every pixel that is at most `margin` rows and columns away from it."""
    if margin not in MARGINS:
        raise BadInput(f"grad_l1's margin was given as {margin}; it is a whole number of pixels from 0 to 8.")
    return max_pool2d(hole, 2 * margin + 1, stride=1, padding=margin)


def adversarial(ctx: LossContext) -> Scalar:
    """L_adv for the generator: the negated mean score of the composite."""
    return -_critic(ctx)(signed(ctx.composite)).mean()


def critic(ctx: LossContext) -> Scalar:
    """L_adv for the critic: the mean score of the composite minus that of the image."""
    score = _critic(ctx)
    return score(signed(ctx.composite)).mean() - score(signed(ctx.image)).mean()


def gradient_penalty(ctx: LossContext) -> Scalar:
    """WGAN-GP's penalty between composite and image, inside the hole."""
    return wgan_gradient_penalty(_critic(ctx).input_gradient, signed(ctx.image), signed(ctx.composite), ctx.hole)


def _critic(ctx: LossContext):
    return cast(Adversarial, ctx.method).critic
