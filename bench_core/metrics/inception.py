"""Features of pytorch-fid's Inception network, with the official weights that `bench_core.weights` finds."""

from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from bench_core import weights

Pictures = Float[Tensor, "b c h w"]
SIDE = 299


class PytorchFid:
    """As pytorch-fid: pictures are resized by the network itself, bilinearly and without antialiasing."""

    def __init__(self, device: torch.device) -> None:
        from pytorch_fid import inception

        state: dict[str, Any] = weights.load("inception")
        # the package can only download its weights; hand it those that were found
        with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
            self.network = inception.InceptionV3().to(device).eval()

    def __call__(self, pictures: Pictures) -> Float[Tensor, "b d"]:
        return self.network(pictures.expand(-1, 3, -1, -1))[0].flatten(1)


class Clean(PytorchFid):
    """As clean-fid (Parmar, Zhang and Zhu, CVPR 2022): each channel is resized by Pillow, antialiased, in floats."""

    def __call__(self, pictures: Pictures) -> Float[Tensor, "b d"]:
        return super().__call__(resized(pictures))  # the network leaves what has its size already


def resized(pictures: Pictures) -> Float[Tensor, "b c 299 299"]:
    """Bicubic, antialiased, clipped to [0, 1]."""
    channels = (pictures * 255).cpu().numpy().reshape(-1, *pictures.shape[-2:])
    resized = [np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for one in channels]
    stacked = torch.from_numpy(np.stack(resized)).reshape(*pictures.shape[:2], SIDE, SIDE)
    return stacked.clamp(0, 255).div(255).to(pictures)
