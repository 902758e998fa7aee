"""Small networks with weights far from their initial values, and loss contexts."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench_contextual_attention.model import DeepFill, build
from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones

MakeContext = Callable[..., LossContext]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def _scramble(method: DeepFill) -> DeepFill:
    """Draw weights that keep the size of features, and biases; features before attention stay small."""
    with torch.no_grad():
        for name, value in method.named_parameters():
            fan_in = value[0].numel() if value.dim() > 1 else 4
            scale = 0.03 if "pmconv6" in name else 1.2  # so that attention mixes several keys
            value.copy_(torch.randn_like(value) * scale / fan_in**0.5)
    return method


@pytest.fixture
def scramble() -> Callable[[DeepFill], DeepFill]:
    return _scramble


@pytest.fixture
def method() -> DeepFill:
    """The small method in double precision."""
    return _scramble(build("nano", 3).double().eval())


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two masked images of 64 x 64 with one box each, shrunk from a box of 32 x 32."""
    hole = torch.zeros(2, 1, 64, 64, dtype=torch.float64)
    hole[0, :, 11:37, 23:49] = hole[1, :, 31:63, 4:28] = 1
    return torch.rand(2, 3, 64, 64, dtype=torch.float64) * (1 - hole), hole


@pytest.fixture(scope="session")
def make_context() -> MakeContext:
    backbones = Backbones("random")

    def make(
        image: Tensor, hole: Tensor, prediction: Tensor, coarse: Tensor | None = None, method: nn.Module | None = None
    ) -> LossContext:
        coarse = prediction if coarse is None else coarse
        return LossContext(image, hole, MethodOutput(prediction, coarse), method or nn.Module(), backbones)

    return make
