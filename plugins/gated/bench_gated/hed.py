"""Holistically-nested edge detection (Xie and Tu, ICCV 2015, arXiv 1504.06375): VGG-16 with five side outputs."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.functional import interpolate

from bench_core.errors import BadInput
from bench_core.nn.constants import constant

STAGES = {"One": (64, 2), "Two": (128, 2), "Thr": (256, 3), "Fou": (512, 3), "Fiv": (512, 3)}
"""Width and number of convolutions of each stage of VGG-16, by the names in the published file."""
MEAN_BGR = (104.00698793, 116.66876762, 122.67891434)
"""Subtracted from blue, green and red in [0, 255]."""


class HED(nn.Module):
    """Edges at five scales, resized to the image and fused.

    Layers have the names of the PyTorch conversion of the authors' weights in sniklaus/pytorch-hed.
    """

    def __init__(self) -> None:
        super().__init__()
        before = 3
        for name, (width, depth) in STAGES.items():
            self.add_module(f"moduleVgg{name}", _stage(before, width, depth))
            self.add_module(f"moduleScore{name}", nn.Conv2d(width, 1, 1))
            before = width
        self.moduleCombine = nn.Sequential(nn.Conv2d(len(STAGES), 1, 1), nn.Sigmoid())

    def forward(self, image: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """Return the probability of an edge at each pixel of RGB images in [0, 1]."""
        x = 255 * image.flip(1) - constant(MEAN_BGR, image.dtype, image.device).view(3, 1, 1)
        sides = []
        for name in STAGES:
            x = self.get_submodule(f"moduleVgg{name}")(x)
            score = self.get_submodule(f"moduleScore{name}")(x)
            sides.append(interpolate(score, size=image.shape[-2:], mode="bilinear"))
        return self.moduleCombine(torch.cat(sides, dim=1))

    def load(self, state: dict[str, Tensor]) -> None:
        """Load a file's tensors, whose names may begin with "net" or with "module".

        Raises:
            BadInput: tensors are missing, unknown or of another shape.
        """
        renamed = {f"module{name[3:]}" if name.startswith("net") else name: value for name, value in state.items()}
        try:
            self.load_state_dict(renamed)
        except RuntimeError as error:
            raise BadInput(f"These are not the weights of HED as sniklaus/pytorch-hed lays them out. {error}") from None


def _stage(in_channels: int, width: int, depth: int) -> nn.Sequential:
    """Build the convolutions and ReLUs of a stage. All stages but the first start with pooling."""
    layers: list[nn.Module] = [] if in_channels == 3 else [nn.MaxPool2d(2)]
    for before in (in_channels, *[width] * (depth - 1)):
        layers += [nn.Conv2d(before, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)
