"""Builds a method for the rules, and runs it as the evaluator does."""

from dataclasses import dataclass
from functools import cached_property
from math import inf
from pathlib import Path
from typing import cast

import torch
from torch import Tensor, nn

from bench_core.conformance import inputs
from bench_core.conformance.inputs import CheckInput
from bench_core.errors import BadInput
from bench_core.methods.method import Guidance, Guide, HoleTensor, ImageTensor, Method, Postprocess, guided
from bench_core.methods.pretrained import read_facts
from bench_core.plugins import Plugins
from bench_core.specs import Model, Scale, resolve
from bench_core.system.devices import open_fabric
from bench_core.weights import weight_file

MIN_SIDE = 64
"""Side in pixels of the square inputs, rounded up to a size that the method accepts."""


@dataclass(frozen=True)
class MethodUnderTest:
    """A built method in evaluation mode."""

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
        smallest = max(MIN_SIDE, self.model.min_size.get(self.scale, 1))
        return self.model.fixed_size.get(self.scale) or -(-smallest // self.multiple) * self.multiple

    @property
    def is_network(self) -> bool:
        return any(True for _ in self.method.parameters())

    @cached_property
    def is_random(self) -> bool:
        """True if two seeds give different predictions of one input."""
        sample = self.input()
        return difference(self.predict(*sample), self.predict(*sample, seed=1)) > self.tolerance

    @property
    def tolerance(self) -> float:
        """Maximum difference of equal computations. GPUs add numbers in varying order."""
        return 0.0 if self.device.type == "cpu" else 1e-4

    def refusal(self, hole: HoleTensor) -> str:
        """Return why the method does not support a hole (1, 1, h, w), or "" if it does."""
        return resolve(self.model.supports_hole)(hole[0, 0].byte().cpu().numpy()) if self.model.supports_hole else ""

    def input(self, more_rows: int = 0, more_columns: int = 0, batch: int = 1) -> CheckInput:
        """Return a photograph with a hole that the method supports.

        Args:
            more_rows: Pixels to add to the height of `side`.
            more_columns: Pixels to add to the width of `side`.
            batch: 1, or 2 for the photograph and its mirror image.

        Raises:
            ValueError: The method supports neither of two usual holes.
        """
        height, width = self.side + more_rows, self.side + more_columns
        photograph = inputs.photograph(self.plugins, self.channels, height, width)
        image = torch.cat([photograph, photograph.flip(-1)][:batch])
        holes = (inputs.box(height, width), inputs.center(height, width))
        hole = next((hole for hole in holes if not self.refusal(hole)), None)
        if hole is None:
            raise ValueError(f"it supports neither a box nor a central hole: it {self.refusal(holes[1])}")
        return self.with_guidance(image, hole.expand(batch, -1, -1, -1).clone())

    def with_guidance(self, image: ImageTensor, hole: HoleTensor) -> CheckInput:
        """Move an image and its hole to the method's device, and draw guidance."""
        guidance = guided(self.guide, image, self.device)
        return CheckInput(image.to(self.device), hole.to(self.device), guidance)

    @torch.inference_mode()
    def predict(
        self, image: ImageTensor, hole: HoleTensor, guidance: tuple[Guidance, ...] = (), seed: int = 0
    ) -> ImageTensor:
        """Return the prediction that the evaluator would measure, one image at a time, under a torch seed."""
        # `image` must stay a variable of this frame, as in the evaluator: a method that searches its callers' frames
        # for the ground truth then finds it here too, and fails the rule on hidden pixels
        masked = image * (1 - hole)
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            singles = zip(*(tensor.clone().split(1) for tensor in (masked, hole, *guidance)), strict=True)
            prediction = torch.cat([self.method.predict(*single) for single in singles])
            return self.postprocess(masked.clone(), hole.clone(), prediction) if self.postprocess else prediction


def difference(a: Tensor, b: Tensor) -> float:
    """Return the largest absolute difference. NaN equals NaN, and differs infinitely from any number."""
    equal = a.eq(b) | (a.isnan() & b.isnan())
    return torch.where(equal, 0, (a - b).abs()).nan_to_num(nan=inf, posinf=inf).max().item()


def build(name: str, weights: Path | None, scale: str | None, device: str) -> MethodUnderTest:
    """Build a method with weights from a file, or with seeded random weights.

    Raises:
        BadInput: The method, scale or device is not available, its plugin is broken, or the weights are another
            method's.
    """
    plugins = Plugins.find()
    plugins.load({name.partition(":")[0]} & set(plugins.installed), strict=True)
    model = plugins.model(name)
    facts = read_facts(model, weights) if weights else {}
    chosen = _scale(model, scale, facts.get("scale"))
    channels = facts.get("channels", model.channels[-1])
    torch_device = open_fabric(device).device
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(0)  # of the CPU only, whose state is restored
        method = resolve(model.build)(chosen, channels, **model.options | facts.get("options", {}))
    if weights:
        weight_file.load_weights(weights, method)
    elif model.recipe:
        _randomise_weights(method)
    return MethodUnderTest(plugins, model, chosen, channels, method.to(torch_device).eval(), torch_device)


def _randomise_weights(method: Method) -> None:
    """Draw large weights (He et al., ICCV 2015).

    With the small weights that many trainings start from, predictions are almost constant and hide broken rules.
    """
    generator = torch.Generator().manual_seed(0)
    for weight in method.generator.parameters():
        if weight.dim() > 1:
            nn.init.kaiming_normal_(weight, generator=generator)


def _scale(model: Model, asked: str | None, of_weights: str | None) -> Scale:
    """Return the scale the user asked for, else that of the weights, else the model's smallest."""
    if asked and of_weights and asked != of_weights:
        raise BadInput(f"The weights are of scale {of_weights!r}, not {asked!r}; leave out --scale.")
    chosen = asked or of_weights or ("nano" if "nano" in model.scales else model.scales[0])
    if chosen not in model.scales:
        raise BadInput(f"{model.name} has no scale {chosen!r}, only {', '.join(model.scales)}.")
    return cast(Scale, chosen)
