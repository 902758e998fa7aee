"""What a method must be, and the scene in which its loss terms are computed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from bench_core.nn.backbones import Backbones, FeatureLayers
from bench_core.nn.types import Guidance, HoleTensor, ImageTensor

Result = TypeVar("Result")
Postprocess = Callable[[ImageTensor, HoleTensor, ImageTensor], ImageTensor]
"""Post-processing: masked image, hole and prediction to the prediction that is judged."""


@runtime_checkable
class Guide(Protocol):
    """Draws from the ground truth what a user would draw as help, such as the edges of what is to be painted."""

    name: str
    """What draws it: told below every table, and part of what a training is known by."""

    def __call__(self, image: ImageTensor) -> Guidance:
        """Whole images in [0, 1] to guidance of the same height and width."""
        ...


@dataclass(frozen=True)
class MethodOutput:
    """What a method makes of masked images: whole canvases whose range is nominally [0, 1]."""

    prediction: ImageTensor
    coarse: ImageTensor | None = None
    """The first stage's canvas, where a method has two."""

    def detach(self) -> "MethodOutput":
        return MethodOutput(self.prediction.detach(), None if self.coarse is None else self.coarse.detach())


def guided(guide: Guide | None, image: ImageTensor) -> tuple[Guidance, ...]:
    """What the guide, if there is one, draws from the truth."""
    return (guide(image.clone()),) if guide else ()


class Method(nn.Module):
    """An inpainting method: its networks are its child modules, and `generator` is the one that paints.

    Images are in [0, 1] and holes are 1 where a pixel is missing; hidden pixels are already zero. A paper that wants
    another range or polarity converts on the first lines of its own `forward`.
    """

    generator: Any

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        """Paint for training: nothing is clamped. A model with a guide takes the guidance as one more argument."""
        return MethodOutput(self.generator(masked, hole))

    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """The canvas that is judged, in [0, 1]. A model with a guide takes the guidance here, too."""
        return self(masked, hole).prediction.clamp(0, 1)

    def calibrate(self, images: Iterator[ImageTensor]) -> None:
        """Learn constants of the training images, such as their mean, once before the first step.

        `images` brings batches in the order of training, as many as are asked for; override to take some. Keep what is
        learnt in buffers: what no `state_dict` holds is lost where a training goes on after an interruption.
        """

    def start_phase(self, phase: str) -> None:
        """Prepare for a phase of the recipe; override to freeze parts of a network."""
        self.train()


def composite(image: ImageTensor, hole: HoleTensor, prediction: ImageTensor) -> ImageTensor:
    """The prediction inside the hole and the image, bit for bit, everywhere else."""
    return torch.where(hole.bool(), prediction, image)


@dataclass
class LossContext:
    """All that a loss term may look at: one batch, what the method painted, and the method itself."""

    image: ImageTensor
    hole: HoleTensor
    output: MethodOutput
    method: nn.Module
    backbones: Backbones
    guidance: tuple[Guidance, ...] = ()
    """What a guide drew, for models that have one."""
    _known: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def valid(self) -> HoleTensor:
        return 1 - self.hole

    @property
    def prediction(self) -> ImageTensor:
        return self.output.prediction

    @property
    def coarse(self) -> ImageTensor:
        assert self.output.coarse is not None, "this method paints in one stage"
        return self.output.coarse

    @property
    def composite(self) -> ImageTensor:
        return self.cached(lambda ctx: composite(ctx.image, ctx.hole, ctx.prediction), "composite")

    def cached(self, compute: Callable[["LossContext"], Result], key: Any = None) -> Result:
        """The result of ``compute(ctx)``, computed once however many loss terms ask for it."""
        key = (key or compute, torch.is_grad_enabled())  # what was computed without gradient is no use with
        if key not in self._known:
            self._known[key] = compute(self)
        return self._known[key]

    def clear_cache(self) -> None:
        """Let go of all that was computed once."""
        self._known.clear()

    def features(self, taps: FeatureLayers, of: str) -> list[Tensor]:
        """A backbone's features of this scene's ``image``, ``prediction`` or ``composite``.

        Those of the image, the ground truth, carry no gradient, since backbones are frozen.
        """
        return self.cached(lambda ctx: ctx.backbones.features(taps, getattr(ctx, of)), (taps, of))

    def detached(self) -> "LossContext":
        """The same scene as a discriminator's update sees it: no gradient reaches the generator."""
        return replace(self, output=self.output.detach(), _known={})
