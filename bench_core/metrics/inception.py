"""Features of pytorch-fid's Inception network, with the official weights that `bench_core.weights.download` finds."""

from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench_core.weights import download

Pictures = Float[Tensor, "b c h w"]
SIDE = 299


class PytorchFid:
    """As pytorch-fid: pictures are resized by the network itself, bilinearly and without antialiasing."""

    def __init__(self, device: torch.device) -> None:
        self.network = folded(inception()).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, pictures: Pictures) -> Float[Tensor, "b d"]:
        return self.network(pictures.expand(-1, 3, -1, -1))[0].flatten(1)


class Clean(PytorchFid):
    """As clean-fid (Parmar, Zhang and Zhu, CVPR 2022): each channel is resized by Pillow, antialiased, in floats."""

    def __call__(self, pictures: Pictures) -> Float[Tensor, "b d"]:
        return super().__call__(resized(pictures))  # the network leaves what has its size already


def inception() -> nn.Module:
    """The package's network, in evaluation mode.

    Raises:
        MissingWeights: its weights cannot be had.
    """
    from pytorch_fid import inception

    state: dict[str, Any] = download.load("inception")
    # the package can only download its weights; hand it those that were found
    with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
        return inception.InceptionV3().eval()


def folded(network: nn.Module) -> nn.Module:
    """The same function: each batch norm is taken into the convolution before it, in float64."""
    for block in network.modules():
        convolution, norm = getattr(block, "conv", None), getattr(block, "bn", None)
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            block.conv = fuse_conv_bn_eval(convolution.double(), norm.double()).float()
            block.bn = nn.Identity()
    return network


def resized(pictures: Pictures) -> Float[Tensor, "b c 299 299"]:
    """Bicubic, antialiased, clipped to [0, 1]."""
    channels = (pictures * 255).cpu().numpy().reshape(-1, *pictures.shape[-2:])
    resized = [np.asarray(Image.fromarray(one).resize((SIDE, SIDE), Image.Resampling.BICUBIC)) for one in channels]
    stacked = torch.from_numpy(np.stack(resized)).reshape(*pictures.shape[:2], SIDE, SIDE)
    return stacked.clamp(0, 255).div(255).to(pictures)
