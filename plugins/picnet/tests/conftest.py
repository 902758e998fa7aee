"""The networks written out from the equations, weights far from their initial values, and loss contexts."""

from collections.abc import Callable
from typing import Protocol, TypeVar

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d, conv2d, conv_transpose2d

from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_picnet.model import PICNet, build

Network = TypeVar("Network", bound=nn.Module)


class Equations:
    """Forward passes written out from the equations, on a state dict with the official names."""

    def __init__(self, state: dict[str, Tensor]) -> None:
        self.state = state

    def folded(self, name: str) -> Tensor:
        """Return W / (u^T W v) after one more step of power iteration, whose vectors take no gradient.

        W has a row for each entry of its first axis.
        """
        kernel, u = self.state[f"{name}.module.weight_bar"], self.state[f"{name}.module.weight_u"]
        matrix = kernel.reshape(len(kernel), -1)
        v = matrix.T.detach() @ u
        v = v / v.norm()
        u = matrix.detach() @ v
        u = u / u.norm()
        return kernel / (u @ matrix @ v)

    def conv(self, name: str, x: Tensor, padding: int = 1) -> Tensor:
        return conv2d(x, self.folded(name), self.state[f"{name}.module.bias"], padding=padding)

    def up_conv(self, name: str, x: Tensor) -> Tensor:
        return conv_transpose2d(x, self.folded(name), self.state[f"{name}.module.bias"], 2, 1, 1)

    def norm(self, name: str, x: Tensor) -> Tensor:
        centred = x - x.mean((2, 3), keepdim=True)
        z = centred / (centred.square().mean((2, 3), keepdim=True) + 1e-5).sqrt()
        return z * self.state[f"{name}.weight"].view(-1, 1, 1) + self.state[f"{name}.bias"].view(-1, 1, 1)

    def residual(self, name: str, x: Tensor, slope: float = 0.1) -> Tensor:
        h = self.conv(f"{name}.conv1", leaky(x, slope))
        return self.conv(f"{name}.conv2", leaky(h, slope)) + self.conv(f"{name}.bypass", x, 0)

    def head(self, name: str, x: Tensor) -> Tensor:
        h = self.conv(f"{name}.conv2", leaky(self.conv(f"{name}.conv1", x)))
        return avg_pool2d(h, 2) + self.conv(f"{name}.bypass", avg_pool2d(x, 2), 0)

    def decoded(self, name: str, x: Tensor) -> Tensor:
        h = self.conv(f"{name}.conv1", leaky(self.norm(f"{name}.model.0", x)))
        h = self.up_conv(f"{name}.conv2", leaky(self.norm(f"{name}.model.3", h)))
        return h + self.up_conv(f"{name}.bypass", x)

    def image(self, name: str, x: Tensor) -> Tensor:
        return torch.tanh(self.conv(f"{name}.conv1", mirrored(leaky(x)), 0))

    def attended(self, name: str, x: Tensor, values: Tensor) -> Tensor:
        q = conv2d(x, self.state[f"{name}.query_conv.weight"], self.state[f"{name}.query_conv.bias"]).flatten(2)
        scores = torch.einsum("bqi,bqj->bij", q, q).exp()
        weights = scores / scores.sum(2, keepdim=True)
        return torch.einsum("bcj,bij->bci", values.flatten(2), weights).view_as(values)

    def short_term(self, name: str, x: Tensor) -> Tensor:
        return self.state[f"{name}.gamma"] * self.attended(name, x, x) + x

    def features(self, masked: Tensor) -> list[Tensor]:
        found = [self.head("block0", masked)]
        for i in range(4):
            found.append(avg_pool2d(self.residual(f"encoder{i}", found[-1]), 2))
        return found

    def mean_and_deviation(self, name: str, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, raw = self.residual(name, x).tensor_split(2, 1)
        return mean, (1 + raw.exp()).log()

    def prior(self, deepest: Tensor) -> tuple[Tensor, Tensor]:
        for i in range(6):
            deepest = self.residual(f"infer_prior{i}", deepest)
        return self.mean_and_deviation("prior", deepest)

    def images(self, z: Tensor, deepest: Tensor, encoded: Tensor, known: Tensor) -> list[Tensor]:
        """Decode images of four sizes; `known` is 1 where a pixel is known, at the size of the image."""
        x = self.decoded("decoder1", self.decoded("decoder0", self.residual("generator", z) + deepest))
        m = resized(known, *x.shape[-2:])
        long = self.state["attn1.alpha"] * (1 - m) * self.attended("attn1", x, encoded) + m * encoded
        x = self.residual("attn1.model", torch.cat([self.short_term("attn1", x), long], 1), slope=0.01)
        found = [self.image("out1", x)]
        for i in (2, 3, 4):
            x = self.decoded(f"decoder{i}", torch.cat([x, found[-1]], 1))
            found.append(self.image(f"out{i}", x))
        return found

    def scores(self, x: Tensor) -> Tensor:
        x = self.head("block0", x)
        for i in range(4):
            x = self.short_term("attn2", x) if i == 2 else x
            x = avg_pool2d(self.residual(f"encoder{i}", x), 2)
        return self.conv("conv", leaky(self.residual("block1", x)), 0)


def leaky(x: Tensor, slope: float = 0.1) -> Tensor:
    return torch.where(x > 0, x, slope * x)


def mirrored(x: Tensor) -> Tensor:
    """Add one mirrored pixel on each side, without repeating the border."""
    for axis in (2, 3):
        n = x.shape[axis]
        x = x.index_select(axis, torch.tensor([1, *range(n), n - 2]))
    return x


def resized(x: Tensor, height: int, width: int) -> Tensor:
    """Interpolate linearly; corners stay corners."""
    for axis, size in ((2, height), (3, width)):
        n = x.shape[axis]
        place = torch.arange(size, dtype=x.dtype) * (n - 1) / (size - 1)
        left = place.floor().long().clamp(max=n - 2)
        share = (place - left).view(-1, *[1] * (3 - axis))
        x = x.index_select(axis, left) * (1 - share) + x.index_select(axis, left + 1) * share
    return x


def _scramble(module: Network) -> Network:
    """Draw all parameters anew, so that every layer, attention and norm has an effect; set eval mode."""
    for name, parameter in module.named_parameters():
        if name.endswith(("gamma", "alpha", "norm1.weight", "norm2.weight")):
            nn.init.uniform_(parameter, 0.5, 1.5)
        else:
            nn.init.normal_(parameter, 0, (1.5 / parameter[0].numel()) ** 0.5 if parameter.dim() > 1 else 0.3)
    return module.eval()


class MakeContext(Protocol):
    def __call__(
        self,
        image: Tensor,
        hole: Tensor,
        extras: dict[str, tuple[Tensor, ...]],
        method: nn.Module | None = None,
    ) -> LossContext: ...


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def equations() -> type[Equations]:
    return Equations


@pytest.fixture
def scramble() -> Callable[[Network], Network]:
    return _scramble


@pytest.fixture
def nano() -> PICNet:
    return build("nano", 3)


@pytest.fixture
def make_context() -> MakeContext:
    def make(image, hole, extras, method=None) -> LossContext:
        output = MethodOutput(torch.zeros_like(image), extras=extras)
        return LossContext(image, hole, output, method or nn.Module(), Backbones())

    return make


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two images of 64 x 96 and their holes of different size, one at the border."""
    hole = torch.zeros(2, 1, 64, 96)
    hole[0, :, 16:48, 24:56] = hole[1, :, 30:, 2:50] = 1
    return torch.rand(2, 3, 64, 96), hole
