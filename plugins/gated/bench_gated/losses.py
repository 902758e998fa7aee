"""Section 3.2: reconstruction by both stages and the hinge game of SN-PatchGAN, on pixels in [-1, 1]."""

from typing import cast

import torch

from bench_core.losses.adversarial import Scalar, hinge_discriminator, hinge_generator
from bench_core.methods.method import LossContext
from bench_gated.model import Gated, signed


def l1(scene: LossContext) -> Scalar:
    """Mean absolute errors of the two stages' raw canvases, over all pixels."""
    image = signed(scene.image)
    return (image - signed(scene.coarse)).abs().mean() + (image - signed(scene.prediction)).abs().mean()


def adversarial(scene: LossContext) -> Scalar:
    """The generator's part; only the second stage is scored."""
    return hinge_generator(_discriminator(scene)(signed(scene.composite), scene.hole, *scene.guidance))


def discriminator(scene: LossContext) -> Scalar:
    """The discriminator's part; real images come with the same holes, and sketches, as the composites.

    Both pass in one batch, for each pass takes one step of power iteration.
    """
    pair = signed(torch.cat([scene.image, scene.composite]))
    conditions = (plane.repeat(2, 1, 1, 1) for plane in (scene.hole, *scene.guidance))
    real, fake = _discriminator(scene)(pair, *conditions).chunk(2)
    return hinge_discriminator(real, fake)


def _discriminator(scene: LossContext):
    return cast(Gated, scene.method).discriminator
