"""Networks whose weights and statistics are far from their initial values, loss contexts, and the paper's hole."""

from typing import Protocol, TypeVar

import pytest
import torch
from torch import Tensor, nn

from bench_context_encoder.model import ContextEncoder, build, build_random_region
from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones

Network = TypeVar("Network", bound=nn.Module)


class Scramble(Protocol):
    def __call__(self, module: Network) -> Network: ...


class MakeContext(Protocol):
    def __call__(self, image: Tensor, prediction: Tensor, hole: Tensor, method: nn.Module) -> LossContext: ...


def _scramble(module: Network) -> Network:
    """Draw weights of usual size and batch-norm statistics; set eval mode."""
    for name, value in module.state_dict().items():
        if value.is_floating_point():
            fan_in = value[0].numel() if value.dim() > 1 else 1
            value.copy_(torch.rand_like(value) + 0.5 if "norm" in name else torch.randn_like(value) / fan_in**0.5)
    return module.eval()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def scramble() -> Scramble:
    return _scramble


@pytest.fixture
def nano() -> ContextEncoder:
    return build("nano", 3, bottleneck=40)


@pytest.fixture
def random_region() -> ContextEncoder:
    return build_random_region("nano", 3, bottleneck=40)


@pytest.fixture
def make_context() -> MakeContext:
    def make(image: Tensor, prediction: Tensor, hole: Tensor, method: nn.Module) -> LossContext:
        return LossContext(image, hole, MethodOutput(prediction), method, Backbones("random"))

    return make


def centred(side: int, first: int, batch: int = 1) -> Tensor:
    """Return square holes that start at row and column `first` and end as far from the other border."""
    hole = torch.zeros(batch, 1, side, side)
    hole[..., first : side - first, first : side - first] = 1
    return hole


@pytest.fixture
def papers_hole() -> Tensor:
    """Rows and columns 36 to 91 of 128 x 128 pixels."""
    return centred(128, 36)


@pytest.fixture
def centre_hole() -> Tensor:
    """Two holes of the whole patch in images of 64 x 64 pixels, without overlap."""
    return centred(64, 16, batch=2)
