"""One method on one picture of any size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from bench_core.errors import BadInput
from bench_core.images import Array, as_channels, as_png, read_image
from bench_core.methods.compatibility import refused_size
from bench_core.methods.method import Method, Postprocess, composite
from bench_core.methods.pretrained import weights_of
from bench_core.plugins import Plugins
from bench_core.specs import Model, Scale, resolve
from bench_core.system import files
from bench_core.system.devices import open_fabric
from bench_core.weights import weight_file

THRESHOLD = 128


def inpaint(
    name: str,
    weights: Path | None,
    image: Path,
    mask: Path,
    output: Path,
    hole: str,
    device: str,
    sketch: Path | None = None,
) -> None:
    """Read, fill the hole, composite, write a PNG.

    Raises:
        BadInput: a file is unreadable, sizes differ, the weights are not this method's, or it cannot fill this hole.
    """
    picture, marks = read_image(image), read_image(mask)
    lines = read_image(sketch) if sketch else None
    require_same_size(str(mask), marks, str(image), picture)
    if lines is not None:
        require_same_size(str(sketch), lines, str(image), picture)
    model = Plugins.find().model(name)
    if sketch and model.guide is None:
        raise BadInput(f"{name} takes no sketch; leave out --sketch.")
    missing = is_white(marks) if hole == "white" else ~is_white(marks)
    painter = Inpainter.load(model, weights, open_fabric(device).device)
    filled = painter.inpaint(picture, missing, None if lines is None else is_white(lines))
    files.require_writable_folder(output.parent)
    files.write_bytes(output, as_png(filled))


def require_same_size(name: str, other: Array, image: str, picture: Array) -> None:
    """Raises BadInput, in which both are called by their names, where a mask or a sketch does not fit a picture."""
    if picture.shape[:2] != other.shape[:2]:
        raise BadInput(
            f"{name} is {other.shape[1]} x {other.shape[0]} pixels but {image} is {picture.shape[1]} x "
            f"{picture.shape[0]}; they must be equal."
        )


def is_white(marks: Array) -> Array:
    """Which pixels of a picture of a mask are rather white than black: bool (height, width)."""
    return as_channels(marks, 1)[..., 0] >= THRESHOLD


@dataclass(frozen=True)
class Inpainter:
    """A method that is ready to fill holes: with its weights, on its device."""

    model: Model
    method: Method
    scale: Scale
    channels: int
    device: torch.device

    @classmethod
    def load(cls, model: Model, weights: Path | None, device: torch.device) -> "Inpainter":
        """Build a method and give it its weights; methods that learn nothing have none.

        Raises:
            BadInput: there are none, or they are not this method's.
        """
        if model.recipe is None:
            method, scale, channels = resolve(model.build)("paper", 3, **model.options), "paper", 3
        elif weights is None:
            raise BadInput(
                f"{model.name} must have been trained: give --weights, a weights.safetensors that `bench run` wrote."
            )
        else:
            facts = weights_of(model, weights)
            scale, channels = facts["scale"], facts["channels"]
            method = resolve(model.build)(scale, channels, **model.options | facts.get("options", {}))
            weight_file.load_weights(weights, method)
        return cls(model, method.to(device).eval(), scale, channels, device)

    def inpaint(self, picture: Array, missing: Array, lines: Array | None = None) -> Array:
        """The picture with its hole filled, in the method's channels.

        Args:
            picture: uint8 (height, width, 3 or 1).
            missing: where the hole is, bool (height, width).
            lines: the sketch that a guided method follows, of the same kind; empty if left out.

        Raises:
            BadInput: it cannot fill this hole, or no picture of this size.
        """
        self._refuse(missing)
        given = [_tensor(as_channels(picture, self.channels)) / 255, _tensor(missing[..., None])]
        if self.model.guide:
            given.append(_tensor((np.zeros_like(missing) if lines is None else lines)[..., None]))
        postprocess = resolve(self.model.postprocess) if self.model.postprocess else None
        multiple = self.model.size_multiple[self.scale]
        filled = fill(self.method, multiple, postprocess, *(each.to(self.device) for each in given))
        return (filled[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()

    def _refuse(self, missing: Array) -> None:
        """Raises BadInput where padding does not help: a network of one size only, or holes of another kind."""
        model, (height, width) = self.model, missing.shape
        reason = refused_size(model, self.scale, height, width) if self.scale in model.fixed_size else ""
        reason = reason or (resolve(model.supports_hole)(missing.astype(np.uint8)) if model.supports_hole else "")
        if reason:
            raise BadInput(f"{model.name} {reason}.")


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None].float()


@torch.inference_mode()
def fill(
    method: Method, multiple: int, postprocess: Postprocess | None, image: Tensor, hole: Tensor, *guidance: Tensor
) -> Tensor:
    """Pad to a size that the method takes (with hole, so that nothing is made up), predict, crop, composite."""
    height, width = image.shape[-2:]
    border = (0, -width % multiple, 0, -height % multiple)
    padded, padded_hole = pad(image * (1 - hole), border), pad(hole, border, value=1)
    prediction = method.predict(padded, padded_hole, *(pad(lines, border) for lines in guidance))
    if postprocess:
        prediction = postprocess(padded, padded_hole, prediction)
    return composite(image, hole, prediction[..., :height, :width])
