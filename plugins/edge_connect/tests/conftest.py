"""Networks whose weights are far from their initial values, and images with holes."""

import pytest
import torch
from torch import Tensor, nn

from bench_core.nn.backbones import Backbones
from bench_edge_connect.model import EdgeConnect, build


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def random_backbones() -> Backbones:
    return Backbones("random")


@pytest.fixture(scope="session")
def published() -> EdgeConnect:
    with torch.device("meta"):
        return build("paper", 3, "raw", 2.0)


@pytest.fixture
def nano() -> EdgeConnect:
    """A small method in evaluation, with biases, and singular vectors near their fixed point."""
    return scrambled("raw")


@pytest.fixture
def merging() -> EdgeConnect:
    """The same network with the option `edges=merged`."""
    return scrambled("merged")


@torch.no_grad()
def scrambled(edge_maps: str) -> EdgeConnect:
    torch.manual_seed(1)
    method = build("nano", 3, edge_maps, 2.0).train()
    for parameter in method.parameters():
        fan_in = parameter[0].numel() if parameter.dim() > 1 else 4
        nn.init.normal_(parameter, 0, (1.5 / fan_in) ** 0.5)
    for _ in range(8):
        method.generator.edges(torch.rand(1, 3, 16, 16))
        method.edge_discriminator(torch.rand(1, 2, 32, 32))
        method.discriminator(torch.rand(1, 3, 32, 32))
    return method.eval()


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two smooth images of 32 x 48, and their holes of different size, one at the border."""
    hole = torch.zeros(2, 1, 32, 48)
    hole[0, :, 8:24, 8:24] = hole[1, :, 20:32, 2:40] = 1
    image = nn.functional.interpolate(torch.rand(2, 3, 5, 6), (32, 48), mode="bilinear", align_corners=True)
    return image, hole
