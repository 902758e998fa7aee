"""Small networks with weights far from their initial values, pairs of images and holes, and loss contexts."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_gmcnn.model import GMCNN, build

MakeContext = Callable[..., LossContext]


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@torch.no_grad()
def _scramble(method: GMCNN) -> GMCNN:
    """Draw weights that keep the size of features, and biases."""
    for value in method.parameters():
        fan_in = value[0].numel() if value.dim() > 1 else 30
        value.copy_(torch.randn_like(value) * 1.2 / fan_in**0.5)
    return method


@pytest.fixture
def scrambled() -> Callable[..., GMCNN]:
    """Build the small method of a variant in double precision."""

    def scrambled(variant: str = "pytorch", local: str = "crop") -> GMCNN:
        return _scramble(build("nano", 3, variant, local).double().eval())

    return scrambled


@pytest.fixture(params=["pytorch", "tf"])
def method(request: pytest.FixtureRequest, scrambled: Callable[..., GMCNN]) -> GMCNN:
    """Both variants of the small method."""
    return scrambled(request.param)


@pytest.fixture
def image() -> Tensor:
    return torch.rand(2, 3, 64, 64, dtype=torch.float64)


@pytest.fixture
def hole() -> Tensor:
    """Two boxes of 32 x 32, so that their crops are the boxes, with 24 known pixels in each."""
    hole = torch.zeros(2, 1, 64, 64, dtype=torch.float64)
    hole[0, :, 9:41, 20:52] = hole[1, :, 31:63, 3:35] = 1
    hole[0, :, 15:19, 30:36] = hole[1, :, 40:44, 10:16] = 0
    return hole


@pytest.fixture(scope="session")
def backbones() -> Backbones:
    """Random features in double precision, like everything else here."""
    backbones = Backbones("random")
    backbones.get("vgg19").double()
    return backbones


@pytest.fixture(scope="session")
def make_context(backbones: Backbones) -> MakeContext:
    def make(image: Tensor, hole: Tensor, prediction: Tensor, method: nn.Module | None = None) -> LossContext:
        found = method or build("nano", 3)
        return LossContext(image, hole, MethodOutput(prediction), found, backbones)

    return make
