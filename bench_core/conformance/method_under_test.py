"""The method that is checked, met as the judge meets it."""

from dataclasses import dataclass
from functools import cached_property
from math import inf
from typing import NamedTuple

import torch
from torch import Tensor

from bench_core.conformance import test_inputs
from bench_core.methods.method import Guidance, Guide, HoleTensor, ImageTensor, Method, Postprocess, guided
from bench_core.plugins import Plugins
from bench_core.specs import Model, Scale, resolve

SIDE = 64
"""Methods are tried on squares of this side, or of the next larger one that they take."""


class TestInput(NamedTuple):
    """A picture, a hole that the method serves, and what its guide drew."""

    image: ImageTensor
    hole: HoleTensor
    guidance: tuple[Guidance, ...]

    @property
    def given(self) -> tuple[Tensor, ...]:
        """What a method gets to see, in tensors of its own."""
        return self.image * (1 - self.hole), self.hole.clone(), *(drawn.clone() for drawn in self.guidance)


@dataclass(frozen=True)
class MethodUnderTest:
    """A method, built and in evaluation."""

    plugins: Plugins
    model: Model
    scale: Scale
    channels: int
    method: Method
    device: torch.device

    @cached_property
    def postprocess(self) -> Postprocess | None:
        return resolve(self.model.postprocess) if self.model.postprocess else None

    @cached_property
    def guide(self) -> Guide | None:
        return resolve(self.model.guide)(self.device) if self.model.guide else None

    @property
    def multiple(self) -> int:
        return self.model.size_multiple[self.scale]

    @property
    def side(self) -> int:
        return self.model.fixed_size.get(self.scale) or -(-SIDE // self.multiple) * self.multiple

    @property
    def is_network(self) -> bool:
        return any(True for _ in self.method.parameters())

    @cached_property
    def draws_at_random(self) -> bool:
        """Whether two paintings of one input differ."""
        case = self.case()
        return difference(self.paint(*case), self.paint(*case, seed=1)) > self.tolerance

    @property
    def tolerance(self) -> float:
        """By how much equal computations may differ: on GPUs sums are taken in any order."""
        return 0.0 if self.device.type == "cpu" else 1e-4

    def refusal(self, hole: HoleTensor) -> str:
        """Why the method cannot fill a hole (1, 1, h, w); empty if it can."""
        return resolve(self.model.supports_hole)(hole[0, 0].byte().cpu().numpy()) if self.model.supports_hole else ""

    def case(self, more_rows: int = 0, more_columns: int = 0, batch: int = 1) -> TestInput:
        """A photograph of the method's size, or so much larger, and beside it, for a batch of two, its mirror image."""
        height, width = self.side + more_rows, self.side + more_columns
        photograph = test_inputs.photograph(self.plugins, self.channels, height, width)
        image = torch.cat([photograph, photograph.flip(-1)][:batch])
        holes = (test_inputs.box(height, width), test_inputs.center(height, width))
        hole = next((hole for hole in holes if not self.refusal(hole)), None)
        if hole is None:
            raise ValueError(f"it serves neither a box nor the middle of the image: it {self.refusal(holes[1])}")
        return self.shown(image, hole.expand(batch, -1, -1, -1).clone())

    def shown(self, image: ImageTensor, hole: HoleTensor) -> TestInput:
        """A picture and a hole on the method's device, with guidance."""
        image, hole = image.to(self.device), hole.to(self.device)
        return TestInput(image, hole, guided(self.guide, image))

    @torch.inference_mode()
    def paint(self, image: ImageTensor, hole: HoleTensor, guidance: tuple[Guidance, ...] = (), seed: int = 0) -> Tensor:
        """What the judge would measure, drawn with a seed of torch's.

        As there, images are shown one at a time, and the truth lies in a variable of the calling frame: a method that
        looks for it finds it.
        """
        masked = image * (1 - hole)
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            ones = zip(*(tensor.clone().split(1) for tensor in (masked, hole, *guidance)), strict=True)
            prediction = torch.cat([self.method.predict(*one) for one in ones])
            return self.postprocess(masked.clone(), hole.clone(), prediction) if self.postprocess else prediction


def difference(one: Tensor, other: Tensor) -> float:
    """The largest difference of two pictures; what is no number in both is equal, and in one of them infinitely off."""
    equal = one.eq(other) | (one.isnan() & other.isnan())
    return torch.where(equal, 0, (one - other).abs()).nan_to_num(nan=inf, posinf=inf).max().item()
