"""Loss contexts, and networks whose weights and biases are far from their initial values."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import pytest
import torch
from torch import Tensor, nn

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_region_norm.model import RegionNorm, build

Network = TypeVar("Network", bound=nn.Module)


def _scramble(module: Network) -> Network:
    """Draw weights and biases that keep the size of features, and regions of RN-L of about equal size."""
    for name, parameter in module.named_parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 4
        nn.init.normal_(parameter, 0, (1.5 / fan_in) ** 0.5 * (8 if "response_conv" in name else 1))
    return module.eval()


class FixedDiscriminator(nn.Module):
    """A discriminator that records its inputs and returns given maps, call by call."""

    def __init__(self, *maps: Tensor) -> None:
        super().__init__()
        self.maps, self.inputs = iter(maps), []

    def forward(self, image: Tensor) -> Tensor:
        self.inputs.append(image)
        return next(self.maps)


class MakeContext(Protocol):
    def __call__(
        self, image: Tensor, prediction: Tensor, hole: Tensor, method: nn.Module | None = None
    ) -> LossContext: ...


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def scramble() -> Callable[[Network], Network]:
    return _scramble


@pytest.fixture
def fixed_discriminator() -> type[FixedDiscriminator]:
    return FixedDiscriminator


@pytest.fixture
def nano() -> RegionNorm:
    """A method whose blocks find regions even with initial weights."""
    return build("nano", 3, threshold=0.5)


@pytest.fixture
def make_context() -> MakeContext:
    backbones = Backbones("random")  # no term needs one

    def make(image, prediction, hole, method=None) -> LossContext:
        return LossContext(image, hole, MethodOutput(prediction), method or nn.Module(), backbones)

    return make


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two images of 32 x 48 and their holes of different size, one at the border."""
    hole = torch.zeros(2, 1, 32, 48)
    hole[0, :, 8:24, 8:24] = hole[1, :, 20:32, 2:40] = 1
    return torch.rand(2, 3, 32, 48), hole
