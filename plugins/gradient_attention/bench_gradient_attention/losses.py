"""The gradient term, which any method may be trained with, and the Wasserstein game of the third model.

The paper's L_inp = mean(M (a + alpha g) + (1 - M) a) is `l1` + alpha `grad_l1`: a = |D| and g are maps of the error
D = image - prediction, and M is the hole grown by some pixels.
"""

from typing import cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from bench_core.errors import BadInput
from bench_core.methods import HoleTensor, ImageTensor, LossContext
from bench_gradient_attention.model import Adversarial, signed

Scalar = Float[Tensor, ""]

MARGINS = range(9)


def grad_l1(ctx: LossContext, margin: int = 4) -> Scalar:
    """Mean of M g over the whole raw canvas, for pixels in [0, 1].

    Raises:
        BadInput: `margin`, the pixels by which the hole is grown to M, is not in 0..8.
    """
    return (grown(ctx.hole, margin) * gradient(ctx.image - ctx.prediction)).mean()


def gradient(error: ImageTensor) -> ImageTensor:
    """g: |difference from the pixel above| + |difference from the pixel to the left|.

    Pixels of the first row have none above, and those of the first column none to the left; these count 0.
    """
    vertical, horizontal = error.diff(dim=2).abs(), error.diff(dim=3).abs()
    return pad(vertical, (0, 0, 1, 0)) + pad(horizontal, (1, 0, 0, 0))


def grown(hole: HoleTensor, margin: int) -> HoleTensor:
    """M: the hole with every pixel that is at most `margin` rows and columns away from it."""
    if margin not in MARGINS:
        raise BadInput(f"grad_l1's margin was given as {margin}; it is a whole number of pixels from 0 to 8.")
    return max_pool2d(hole, 2 * margin + 1, stride=1, padding=margin)


def adversarial(ctx: LossContext) -> Scalar:
    """L_adv, the generator's side: the negated mean score of the composite."""
    return -_critic(ctx)(signed(ctx.composite)).mean()


def critic(ctx: LossContext) -> Scalar:
    """The critic's side: the mean score of the composite minus that of the image."""
    score = _critic(ctx)
    return score(signed(ctx.composite)).mean() - score(signed(ctx.image)).mean()


def gradient_penalty(ctx: LossContext) -> Scalar:
    """Mean squared distance from 1 of the norm of the score's gradient inside the hole.

    It is taken at one point, drawn uniformly by torch's global generator, on the line from each composite to its image.
    """
    real, fake = signed(ctx.image), signed(ctx.composite)
    share = torch.rand_like(real[:, :1, :1, :1])
    slope = _critic(ctx).slope(torch.lerp(fake, real, share)) * ctx.hole
    return (torch.linalg.vector_norm(slope, dim=(1, 2, 3)) - 1).square().mean()


def _critic(ctx: LossContext):
    return cast(Adversarial, ctx.method).critic
