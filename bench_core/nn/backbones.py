"""Pretrained feature extractors for perceptual losses: torchvision's VGG-16 and VGG-19."""

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from bench_core.nn.constants import constant
from bench_core.nn.types import ImageTensor
from bench_core.weights import download

Source = Literal["official", "random"]
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
RANDOM_SEED = 0
"""Gives every method, cell and machine the same random backbone."""


@dataclass(frozen=True)
class FeatureLayers:
    """Layers of a backbone, as indices into torchvision's ``features``, its pools and its input's normalisation."""

    backbone: str
    layers: tuple[int, ...]
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    pooling: Literal["max", "average"] = "max"
    """Kind of all pools. An average over the border counts the pixels inside only."""


VGG16_POOLS = FeatureLayers("vgg16", (4, 9, 16))
"""pool1, pool2 and pool3."""
VGG_BLOCKS = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
"""Convolutions in each block. A ReLU follows each convolution, and a pool follows each block."""


def vgg_relus(backbone: str, *names: str) -> FeatureLayers:
    """Return ReLUs by their names in papers: `relu3_2` follows the second convolution of the third block.

    They come in the order of the network, each once.
    """
    return FeatureLayers(backbone, tuple(sorted({_relu_index(VGG_BLOCKS[backbone], name) for name in names})))


def _relu_index(blocks: tuple[int, ...], name: str) -> int:
    block, conv = map(int, name.removeprefix("relu").split("_"))
    assert 1 <= conv <= blocks[block - 1], f"there is no {name}"
    return sum(2 * convs + 1 for convs in blocks[: block - 1]) + 2 * conv - 1


@dataclass
class Backbones:
    """Frozen feature extractors, each built on first use."""

    source: Source = "official"
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    bf16: bool = False
    """Compute in bfloat16, which is faster on GPUs. Feature maps have 32 bits in any case."""
    _built: dict[str, nn.Sequential] = field(default_factory=dict, repr=False)

    def features(self, feature_layers: FeatureLayers, image: ImageTensor) -> list[Tensor]:
        """Return the feature maps of images in [0, 1], one per layer; grey images are repeated to RGB."""
        x = image.expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        mean, std = (
            constant(values, x.dtype, x.device).view(3, 1, 1) for values in (feature_layers.mean, feature_layers.std)
        )
        x = (x - mean) / std
        maps = []
        with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bf16):
            for index, layer in enumerate(self.get(feature_layers.backbone)[: max(feature_layers.layers) + 1]):
                averages = feature_layers.pooling == "average" and isinstance(layer, nn.MaxPool2d)
                x = avg_pool2d(x, 2, ceil_mode=True) if averages else layer(x)
                if index in feature_layers.layers:
                    maps.append(x.float() if self.bf16 else x)
        return maps

    def get(self, name: str) -> nn.Sequential:
        """Return the convolutional part of a backbone, with frozen parameters."""
        if name not in self._built:
            self._built[name] = build(name, self.source).to(self.device).to(memory_format=torch.channels_last)
        return self._built[name]


def build(name: str, source: Source) -> nn.Sequential:
    """Build ``torchvision.models.NAME().features`` with official or seeded random weights.

    Raises:
        bench_core.weights.download.MissingWeights: the official weights are not installed and cannot be downloaded.
    """
    from torchvision import models

    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(RANDOM_SEED)  # of the CPU only, whose state is restored
        features: nn.Sequential = getattr(models, name)(weights=None, init_weights=True).features
    if source == "official":
        features.load_state_dict(download.load_features(name))
    for layer in features:
        if isinstance(layer, nn.ReLU):
            layer.inplace = False  # so that a ReLU does not overwrite a convolution whose output is read
    return features.eval().requires_grad_(False)
