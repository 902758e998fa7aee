"""Loss contexts, and networks whose weights, biases and statistics are all far from their initial values."""

from collections.abc import Callable
from typing import TypeVar

import pytest
import torch
from torch import Tensor, nn

import bench_glcic
from bench_core.methods import LossContext, MethodOutput
from bench_core.nn.backbones import Backbones
from bench_core.recipe import Phase
from bench_core.specs import Model, resolve
from bench_glcic.model import GLCIC, build

Network = TypeVar("Network", bound=nn.Module)


def _scramble(module: Network) -> Network:
    """Draw weights that keep the size of features, biases and batch-norm statistics; set eval mode."""
    for name, value in module.state_dict().items():
        if value.is_floating_point() and name.rpartition(".")[2] != "mean":
            fan_in = value[0].numel() if value.dim() > 1 else 1
            value.copy_(
                torch.rand_like(value) + 0.5 if "norm" in name else torch.randn_like(value) * (2 / fan_in) ** 0.5
            )
    return module.eval()


class FixedDiscriminator(nn.Module):
    """A discriminator that records its inputs and returns given scores, call by call."""

    def __init__(self, *scores: Tensor) -> None:
        super().__init__()
        self.scores, self.inputs = iter(scores), []

    def forward(self, image: Tensor, patch: Tensor) -> Tensor:
        self.inputs.append((image, patch))
        return next(self.scores)


def _make_context(image: Tensor, prediction: Tensor, hole: Tensor, method: nn.Module | None = None) -> LossContext:
    return LossContext(image, hole, MethodOutput(prediction), method or nn.Module(), Backbones("random"))


def _take_step(method: GLCIC, model: Model, phase: Phase, image: Tensor, hole: Tensor) -> None:
    """Take one training step of a phase of the recipe."""
    terms = {loss.name: resolve(loss.term) for loss in model.losses}
    method.start_phase(phase.name)
    for one_round in phase.rounds:
        output = method(image * (1 - hole), hole)
        ctx = LossContext(image, hole, output, method, Backbones("random"))
        for update in one_round:
            method.zero_grad()
            update_ctx = ctx if update.network == "generator" else ctx.detached()
            torch.stack([weight * terms[name](update_ctx) for name, weight in update.losses.items()]).sum().backward()
            kind = getattr(torch.optim, update.optimiser.name)
            kind(getattr(method, update.network).parameters(), **update.optimiser.settings).step()


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
def make_context() -> Callable[..., LossContext]:
    return _make_context


@pytest.fixture
def take_step() -> Callable[..., None]:
    return _take_step


@pytest.fixture(scope="session")
def models() -> dict[str, Model]:
    return {model.name: model for model in bench_glcic.bench_models()}


@pytest.fixture
def nano() -> GLCIC:
    return build("nano", 3)


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Two images of 32 x 32 and their holes of 16 x 16 and 12 x 8."""
    hole = torch.zeros(2, 1, 32, 32)
    hole[0, :, 8:24, 8:24] = 1
    hole[1, :, 18:30, 1:9] = 1
    return torch.rand(2, 3, 32, 32), hole
