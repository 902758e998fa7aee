"""The interface of a method, and the context in which its loss terms are computed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor, nn

from bench_core.nn.backbones import Backbones, FeatureLayers
from bench_core.nn.types import Guidance, HoleTensor, ImageTensor, Pixels

Result = TypeVar("Result")
Postprocess = Callable[[ImageTensor, HoleTensor, ImageTensor], ImageTensor]
"""Function ``(masked, hole, prediction) -> prediction``, applied after `Method.predict`."""


@runtime_checkable
class Guide(Protocol):
    """Draws from the ground truth what a user would sketch as help, such as edges."""

    name: str
    """What it draws. Printed below every table, and part of the cell's key."""

    def __call__(self, image: ImageTensor) -> Guidance:
        """Draw guidance for whole ground-truth images in [0, 1], with the same height and width.

        The guidance may lie on another device than the images.
        """
        ...


@dataclass(frozen=True)
class MethodOutput:
    """Output of a method in training: whole images, nominally in [0, 1]."""

    prediction: ImageTensor
    coarse: ImageTensor | None = None
    """Output of the first stage; None for one-stage methods."""
    extras: Mapping[str, tuple[Tensor, ...]] = field(default_factory=dict)
    """Further output that the method's own loss terms read, by name: tensors with one entry for each image."""

    def detach(self) -> "MethodOutput":
        """Return the same output without gradient."""
        return self.map(Tensor.detach)

    @staticmethod
    def joined(outputs: Sequence["MethodOutput"]) -> "MethodOutput":
        """Return the output of a whole batch from those of its parts, which all have the same tensors."""
        coarse = [output.coarse for output in outputs if output.coarse is not None]
        extras = {
            name: tuple(torch.cat(parts) for parts in zip(*(output.extras[name] for output in outputs), strict=True))
            for name in outputs[0].extras
        }
        prediction = torch.cat([output.prediction for output in outputs])
        return MethodOutput(prediction, torch.cat(coarse) if coarse else None, extras)

    def map(self, change: Callable[[Tensor], Tensor]) -> "MethodOutput":
        """Return the output with every tensor changed by a function."""
        extras = {name: tuple(map(change, tensors)) for name, tensors in self.extras.items()}
        return MethodOutput(change(self.prediction), None if self.coarse is None else change(self.coarse), extras)


def guided(guide: Guide | None, image: ImageTensor | Pixels, device: torch.device) -> tuple[Guidance, ...]:
    """Return the guidance to pass on to a method: a tuple of one tensor on its device, or an empty one without a guide.

    Args:
        image: whole ground truths, in [0, 1] or in 8 bits. Pass them on the CPU, where many guides draw, so that none
            waits for a GPU.
        device: the method's device.
    """
    if not guide:
        return ()
    image = image / 255 if image.dtype == torch.uint8 else image.clone()
    return (guide(image).to(device, non_blocking=True),)


class Method(nn.Module):
    """Base class of inpainting methods.

    The child modules are the networks, and `generator` is the one that predicts. Images are in [0, 1], `hole` is 1
    where a pixel is missing, and missing pixels of `masked` are zero. If the paper uses another range or polarity,
    convert on the first lines of your `forward`.
    """

    generator: Any
    unused: tuple[str, ...] = ()
    """Parameters that never run and are kept for a published count or layout: glob patterns of their names."""

    def forward(self, masked: ImageTensor, hole: HoleTensor) -> MethodOutput:
        """Predict whole images for training, without clamping.

        Models with a guide take the guidance (b, g, h, w) as a third argument.
        """
        return MethodOutput(self.generator(masked, hole))

    def training_output(
        self, image: ImageTensor, masked: ImageTensor, hole: HoleTensor, *guidance: Guidance
    ) -> MethodOutput:
        """Predict whole images for a training step. Override it if networks see the ground truth in training.

        Args:
            image: ground truth.
            masked: the input of `forward`.
            hole: 1 where a pixel is missing.
            guidance: output of the model's guide; none without a guide.
        """
        return self(masked, hole, *guidance)

    def predict(self, masked: ImageTensor, hole: HoleTensor) -> ImageTensor:
        """Predict whole images in [0, 1] for evaluation.

        Models with a guide take the guidance (b, g, h, w) as a third argument.
        """
        return self(masked, hole).prediction.clamp(0, 1)

    def calibrate(self, images: Iterator[ImageTensor]) -> None:
        """Compute constants of the training images, such as their mean colour. Called once, before the first step.

        The default does nothing. Store results in buffers: anything outside `state_dict` is lost when training resumes.

        Args:
            images: The batches of the training in order, (b, c, h, w) in [0, 1]. Take as many as you need.
        """

    def start_phase(self, phase: str) -> None:
        """Prepare the networks for a phase of the recipe. Override it to freeze parts of a network."""
        self.train()


def composite(image: ImageTensor, hole: HoleTensor, prediction: ImageTensor) -> ImageTensor:
    """Return the prediction inside the hole, and the unchanged image everywhere else."""
    return torch.where(hole.bool(), prediction, image)


@dataclass
class LossContext:
    """Everything a loss term can use: one batch, the method's output for it, and the method itself."""

    image: ImageTensor
    """Ground truth."""
    hole: HoleTensor
    output: MethodOutput
    method: nn.Module
    backbones: Backbones
    guidance: tuple[Guidance, ...] = ()
    """Output of the model's guide; empty without a guide."""
    _cache: dict[Any, Any] = field(default_factory=dict, repr=False)

    @property
    def valid(self) -> HoleTensor:
        """``1 - hole``: 1 where a pixel is known."""
        return 1 - self.hole

    @property
    def prediction(self) -> ImageTensor:
        return self.output.prediction

    @property
    def coarse(self) -> ImageTensor:
        """Output of the first stage. One-stage methods have none."""
        assert self.output.coarse is not None, "a one-stage method has no coarse output"
        return self.output.coarse

    @property
    def composite(self) -> ImageTensor:
        """The prediction inside the hole, and the ground truth everywhere else."""
        return self.cached(lambda ctx: composite(ctx.image, ctx.hole, ctx.prediction), "composite")

    def cached(self, compute: Callable[["LossContext"], Result], key: Any = None) -> Result:
        """Return ``compute(ctx)``, computed once for all loss terms that share it.

        Args:
            compute: A function of this context.
            key: A hashable name of the result; `compute` itself if left out, so do not pass a new lambda without a key.
        """
        # a result computed under no_grad cannot serve a term that needs its gradient
        key = (key or compute, torch.is_grad_enabled())
        if key not in self._cache:
            self._cache[key] = compute(self)
        return self._cache[key]

    def clear_cache(self) -> None:
        """Release all cached results."""
        self._cache.clear()

    def features(self, layers: FeatureLayers, of: Literal["image", "prediction", "composite"]) -> list[Tensor]:
        """Return a backbone's features of one of the images, one tensor for each layer.

        Features of the ground truth carry no gradient, because backbones are frozen.
        """
        return self.cached(lambda ctx: ctx.backbones.features(layers, getattr(ctx, of)), (layers, of))

    def detached(self) -> "LossContext":
        """Return a copy for a discriminator's update: no gradient flows to the generator."""
        return replace(self, output=self.output.detach(), _cache={})
