"""One picture of any size: what a method sees where the picture ends."""

import torch
from torch import Tensor

from bench_core.methods import Method
from bench_core.methods.inpaint import fill


class Spy(Method):
    """Remembers what it saw, and paints white."""

    def predict(self, masked: Tensor, hole: Tensor) -> Tensor:
        self.seen = masked, hole
        return torch.ones_like(masked)


def test_pixels_beyond_the_picture_are_missing_and_are_cut_off_again():
    method, image, hole = Spy(), torch.full((1, 3, 10, 13), 0.5), torch.zeros(1, 1, 10, 13)
    hole[..., 2:5, 2:5] = 1
    filled = fill(method, 8, None, image, hole)
    masked, seen_hole = method.seen
    assert masked.shape == (1, 3, 16, 16)
    assert (seen_hole[..., 10:, :] == 1).all() and (seen_hole[..., 13:] == 1).all()
    assert seen_hole[..., :10, :13].equal(hole)
    assert (masked * seen_hole == 0).all()
    assert filled.equal(torch.where(hole.bool(), 1.0, image))
