"""Features of pytorch-fid's Inception network with its official weights."""

from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from bench_core.weights import download

Images = Float[Tensor, "b c h w"]
INPUT_SIDE = 299


class PytorchFid:
    """Extractor like pytorch-fid's: the network resizes images bilinearly, without antialiasing."""

    def __init__(self, device: torch.device) -> None:
        network = fold_batch_norms(load_inception()).to(device)
        self.network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def __call__(self, images: Images) -> Float[Tensor, "b d"]:
        return self.network(images.expand(-1, 3, -1, -1))[0].flatten(1)


class CleanFid(PytorchFid):
    """Extractor like clean-fid's (Parmar, Zhang and Zhu, CVPR 2022): Pillow resizes images with antialiasing."""

    def __call__(self, images: Images) -> Float[Tensor, "b d"]:
        return super().__call__(resize_clean(images))  # the network keeps images of its own input size


def load_inception() -> nn.Module:
    """Load pytorch-fid's network in evaluation mode.

    Raises:
        MissingWeights: its weights were not found.
    """
    from pytorch_fid import inception

    state: dict[str, Any] = download.load("inception")
    # the package can only download its weights; this hands it our verified file instead
    with patch.object(inception, "load_state_dict_from_url", lambda *args, **kwargs: state):
        return inception.InceptionV3().eval()


def fold_batch_norms(network: nn.Module) -> nn.Module:
    """Fold each batch norm into the convolution before it, in float64. The function stays the same but is faster."""
    for block in network.modules():
        convolution, norm = getattr(block, "conv", None), getattr(block, "bn", None)
        if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            block.conv = fuse_conv_bn_eval(convolution.double(), norm.double()).float()
            block.bn = nn.Identity()
    return network


def resize_clean(images: Images) -> Float[Tensor, "b c 299 299"]:
    """Resize each channel with Pillow's antialiased bicubic filter in floats, clipped to [0, 1]."""
    size, bicubic = (INPUT_SIDE, INPUT_SIDE), Image.Resampling.BICUBIC
    channels = (images * 255).cpu().numpy().reshape(-1, *images.shape[-2:])
    resized = np.stack([np.asarray(Image.fromarray(channel).resize(size, bicubic)) for channel in channels])
    return torch.from_numpy(resized).reshape(*images.shape[:2], *size).clamp(0, 255).div(255).to(images)
