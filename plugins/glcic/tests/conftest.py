"""Scenes to judge, and networks whose every weight, bias and statistic is far from its first value."""

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
    """Random weights of such size that nothing fades on its way, biases, and batch-norm statistics; in eval mode."""
    for name, value in module.state_dict().items():
        if value.is_floating_point() and name.rpartition(".")[2] != "mean":
            fan_in = value[0].numel() if value.dim() > 1 else 1
            value.copy_(
                torch.rand_like(value) + 0.5 if "norm" in name else torch.randn_like(value) * (2 / fan_in) ** 0.5
            )
    return module.eval()


class Referee(nn.Module):
    """A discriminator that notes what it is shown and answers, call by call, as a test says."""

    def __init__(self, *answers: Tensor) -> None:
        super().__init__()
        self.answers, self.shown = iter(answers), []

    def forward(self, canvas: Tensor, patch: Tensor) -> Tensor:
        self.shown.append((canvas, patch))
        return next(self.answers)


def _scene(image: Tensor, prediction: Tensor, hole: Tensor, method: nn.Module | None = None) -> LossContext:
    return LossContext(image, hole, MethodOutput(prediction), method or nn.Module(), Backbones("random"))


def _take_step(method: GLCIC, model: Model, phase: Phase, image: Tensor, hole: Tensor) -> None:
    """One step of a phase, as the recipe says it."""
    terms = {loss.name: resolve(loss.term) for loss in model.losses}
    method.start_phase(phase.name)
    for one_round in phase.rounds:
        output = method(image * (1 - hole), hole)
        ctx = LossContext(image, hole, output, method, Backbones("random"))
        for update in one_round:
            method.zero_grad()
            seen = ctx if update.network == "generator" else ctx.detached()
            torch.stack([weight * terms[name](seen) for name, weight in update.losses.items()]).sum().backward()
            kind = getattr(torch.optim, update.optimiser.name)
            kind(getattr(method, update.network).parameters(), **update.optimiser.settings).step()


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


@pytest.fixture
def scramble() -> Callable[[Network], Network]:
    return _scramble


@pytest.fixture
def referee() -> type[Referee]:
    return Referee


@pytest.fixture
def make_context() -> Callable[..., LossContext]:
    return _scene


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
