"""PatchMatch as a method: it fills the images of a batch one by one, on the CPU.

C. Barnes, E. Shechtman, A. Finkelstein, D. B. Goldman. PatchMatch: A Randomized Correspondence Algorithm for Structural
Image Editing. ACM Transactions on Graphics 28(3) (SIGGRAPH), 2009.
Y. Wexler, E. Shechtman, M. Irani. Space-Time Completion of Video. IEEE PAMI 29(3), 2007.
"""

import numpy as np
import torch

from bench_core.errors import BadInput, unknown
from bench_core.images import Array
from bench_core.methods import HoleTensor, ImageTensor, Method
from bench_core.methods.method import composite
from bench_core.specs import Scale
from bench_patchmatch.completion import Completion
from bench_patchmatch.voting import adaptive_weights, fixed_weights

VOTES = {"fixed": fixed_weights, "wexler": adaptive_weights}
NANO_RADIUS = 2
"""Largest radius at scale `nano`, for images of 64 x 64."""


class PatchMatch(Method):
    """Fills holes with patches of the same image. Predictions are rounded to 8 bits inside the hole."""

    def __init__(self, completion: Completion) -> None:
        super().__init__()
        self.completion = completion

    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        images = (masked * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy()
        holes = hole[:, 0].bool().cpu().numpy()
        filled = np.stack([self._fill(*one) for one in zip(images, holes, strict=True)])
        return composite(masked, hole, torch.from_numpy(filled).permute(0, 3, 1, 2).to(masked) / 255)

    def _fill(self, image: Array, hole: Array) -> Array:
        """Return the filled image, uint8 (h, w, c), or black without a known pixel."""
        return self.completion.fill(image, hole).astype(np.uint8) if not hole.all() else np.zeros_like(image)


def build(
    scale: Scale, channels: int, radius: int = 3, gradients: bool = True, votes: str = "fixed", seed: int = 0
) -> PatchMatch:
    """Build the method.

    Raises:
        BadInput: The radius is below 1, the seed is negative, or there are no such votes.
    """
    if radius < 1 or seed < 0:
        raise BadInput(f"patchmatch.radius is {radius} and patchmatch.seed {seed}; give at least 1 and 0.")
    if votes not in VOTES:
        raise unknown("votes", votes, VOTES)
    radius = min(radius, NANO_RADIUS) if scale == "nano" else radius
    return PatchMatch(Completion(radius, gradients, VOTES[votes], seed))
