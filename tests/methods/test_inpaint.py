"""Inpainting one image of any size: padding is marked as missing."""

import torch
from torch import Tensor

from bench_core.methods import Method
from bench_core.methods.inpaint import fill


class Spy(Method):
    """Records its inputs, and predicts white."""

    def predict(self, masked: Tensor, hole: Tensor) -> Tensor:
        self.inputs = masked, hole
        return torch.ones_like(masked)


def test_padding_is_missing_and_is_cropped_again():
    method, image, hole = Spy(), torch.full((1, 3, 10, 13), 0.5), torch.zeros(1, 1, 10, 13)
    hole[..., 2:5, 2:5] = 1
    filled = fill(method, 8, None, image, hole)
    masked, padded_hole = method.inputs
    assert masked.shape == (1, 3, 16, 16)
    assert (padded_hole[..., 10:, :] == 1).all() and (padded_hole[..., 13:] == 1).all()
    assert padded_hole[..., :10, :13].equal(hole)
    assert (masked * padded_hole == 0).all()
    assert filled.equal(torch.where(hole.bool(), 1.0, image))
