"""Loss contexts, and networks with biases that are not 0."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import pytest
import torch
from torch import Tensor, nn

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones

Network = TypeVar("Network", bound=nn.Module)


def _scramble(module: Network) -> Network:
    """Draw weights of usual size, and biases."""
    for value in module.state_dict().values():
        fan_in = value[0].numel() if value.dim() > 1 else 4
        value.copy_(torch.randn_like(value) * (1.5 / fan_in) ** 0.5)
    return module


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


@pytest.fixture(scope="session")
def make_context() -> MakeContext:
    backbones = Backbones("random")

    def make(image, prediction, hole, method=None) -> LossContext:
        return LossContext(image, hole, MethodOutput(prediction), method or nn.Module(), backbones)

    return make


@pytest.fixture
def centre_hole() -> Tensor:
    """Two holes of 16 x 16 in images of 32 x 32."""
    hole = torch.zeros(2, 1, 32, 32)
    hole[..., 8:24, 8:24] = 1
    return hole
