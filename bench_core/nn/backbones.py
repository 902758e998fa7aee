"""Pretrained networks that perceptual losses look through: torchvision's VGG-16 and VGG-19."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from bench_core.weights import download

Source = Literal["official", "random"]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RANDOM_SEED = 0
"""A random backbone is the same for every method, cell and machine."""


@dataclass(frozen=True)
class FeatureLayers:
    """Where a backbone is read: indices into torchvision's ``features``, and how its input is normalised."""

    backbone: str
    layers: tuple[int, ...]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD


VGG16_POOLS = FeatureLayers("vgg16", (4, 9, 16))
"""pool1, pool2 and pool3."""


@dataclass
class Backbones:
    """Frozen feature extractors, built when first asked for."""

    source: Source = "official"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    _built: dict[str, nn.Sequential] = field(default_factory=dict, repr=False)

    def features(self, taps: FeatureLayers, image: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """The feature maps at the taps, first to last, of images in [0, 1]; grey ones are repeated to RGB."""
        x = image.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        x = (x - x.new_tensor(taps.mean).view(3, 1, 1)) / x.new_tensor(taps.std).view(3, 1, 1)
        found = []
        for index, layer in enumerate(self.get(taps.backbone)[: max(taps.layers) + 1]):
            x = layer(x)
            if index in taps.layers:
                found.append(x)
        return found

    def get(self, name: str) -> nn.Sequential:
        """The convolutional part of a backbone, without gradients for its parameters."""
        if name not in self._built:
            self._built[name] = build(name, self.source).to(self.device).to(memory_format=torch.channels_last)
        return self._built[name]


def build(name: str, source: Source) -> nn.Sequential:
    """Build ``torchvision.models.NAME().features`` with official or seeded random weights.

    Raises:
        bench_core.weights.download.MissingWeights: the official weights are neither here nor to be had.
    """
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(RANDOM_SEED)
        features: nn.Sequential = getattr(models, name)(weights=None, init_weights=True).features
    if source == "official":
        features.load_state_dict(download.load_features(name))
    for layer in features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # a tapped convolution must not be overwritten by the ReLU behind it
    return features.eval().requires_grad_(False)
