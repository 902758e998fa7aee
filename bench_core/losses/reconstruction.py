"""Distances between pixels in [0, 1]. All are means over the whole canvas."""

from jaxtyping import Float
from torch import Tensor

from bench_core.methods.method import LossContext


def l1(scene: LossContext) -> Float[Tensor, ""]:
    """Mean absolute error of the raw prediction."""
    return (scene.prediction - scene.image).abs().mean()


def l2(scene: LossContext) -> Float[Tensor, ""]:
    """Mean squared error of the raw prediction."""
    return (scene.prediction - scene.image).square().mean()


def hole_l1(scene: LossContext) -> Float[Tensor, ""]:
    """Absolute error inside the hole, divided by the size of the whole image."""
    return (scene.hole * (scene.prediction - scene.image)).abs().mean()


def valid_l1(scene: LossContext) -> Float[Tensor, ""]:
    """Absolute error outside the hole, divided by the size of the whole image."""
    return (scene.valid * (scene.prediction - scene.image)).abs().mean()
