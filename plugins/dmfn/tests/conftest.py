"""Loss contexts, and networks whose weights, biases and statistics are all far from their initial values."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import pytest
import torch
from torch import Tensor, nn

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones, FeatureLayers
from bench_dmfn.model import DMFN, build

Network = TypeVar("Network", bound=nn.Module)


def _scramble(module: Network) -> Network:
    """Draw weights of usual size, biases and batch-norm statistics; set eval mode."""
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            fan_in = value[0].numel() if value.dim() > 1 else 1
            value.copy_(torch.rand_like(value) + 0.5 if "norm" in name else torch.randn_like(value) / fan_in**0.5)
    return module.eval()


class Features(Backbones):
    """A backbone whose features a test computes."""

    def __init__(self, compute: Callable[[Tensor], list[Tensor]]) -> None:
        super().__init__("random")
        self.compute, self.layers_read = compute, []

    def features(self, feature_layers: FeatureLayers, image: Tensor) -> list[Tensor]:
        self.layers_read.append(feature_layers)
        return self.compute(image)


class FixedDiscriminator(nn.Module):
    """A discriminator with given outputs: the first for real images, the second for fake ones."""

    def __init__(self, *outputs: tuple[Tensor, list[Tensor]]) -> None:
        super().__init__()
        self.outputs = iter(outputs)

    def forward(self, image: Tensor, crop: Tensor) -> tuple[Tensor, list[Tensor]]:
        return next(self.outputs)


class MakeContext(Protocol):
    def __call__(
        self,
        image: Tensor,
        prediction: Tensor,
        hole: Tensor | None = None,
        method: nn.Module | None = None,
        backbones: Backbones | None = None,
    ) -> LossContext: ...


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def random_backbones() -> Backbones:
    return Backbones("random")


@pytest.fixture
def scramble() -> Callable[[Network], Network]:
    return _scramble


@pytest.fixture
def features() -> type[Features]:
    return Features


@pytest.fixture
def fixed_discriminator() -> type[FixedDiscriminator]:
    return FixedDiscriminator


@pytest.fixture
def nano() -> DMFN:
    return build("nano", 3)


@pytest.fixture
def make_context(random_backbones: Backbones) -> MakeContext:
    def make(image, prediction, hole=None, method=None, backbones=None) -> LossContext:
        hole = torch.ones_like(image[:, :1]) if hole is None else hole
        return LossContext(image, hole, MethodOutput(prediction), method or nn.Module(), backbones or random_backbones)

    return make


@pytest.fixture
def centre_hole() -> Tensor:
    """Two holes of 16 x 16 in images of 32 x 32."""
    hole = torch.zeros(2, 1, 32, 32)
    hole[..., 8:24, 8:24] = 1
    return hole
