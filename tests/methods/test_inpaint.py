"""Inpainting one image of any size: padding is marked as missing."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bench_core.errors import BadInput
from bench_core.methods import Method
from bench_core.methods.compatibility import refused_size
from bench_core.methods.inpaint import Inpainter, fill
from bench_core.specs import Model


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


def test_images_below_the_smallest_size_are_refused_and_others_padded_up_to_it():
    sizes = {"paper": 8, "nano": 8}
    model = Model("large", "", "", "unused:build", size_multiple=sizes, min_size={"paper": 16})
    inpainter = Inpainter(model, Spy(), "paper", 3, torch.device("cpu"))
    image, missing = np.zeros((10, 13, 3), np.uint8), np.ones((10, 13), bool)
    assert (inpainter.inpaint(image, missing) == 255).all()
    with pytest.raises(BadInput, match="large takes sizes of 16 or more at scale 'paper', not 8 x 16"):
        inpainter.inpaint(image[:8], missing[:8])
    assert refused_size(model, "paper", 16, 24) == refused_size(model, "nano", 8) == ""
    assert refused_size(model, "paper", 8) == "takes sizes of 16 or more at scale 'paper', not 8"
