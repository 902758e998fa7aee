"""Runs one method on one image of any size."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from bench_core.errors import BadInput
from bench_core.images import Array, as_channels, as_png, read_image
from bench_core.masks.mask_images import read_mask, required_hole
from bench_core.methods.compatibility import refused_size
from bench_core.methods.method import Method, Postprocess, composite
from bench_core.methods.pretrained import read_facts
from bench_core.plugins import Plugins
from bench_core.specs import Model, Scale, resolve
from bench_core.system import files
from bench_core.system.devices import open_fabric
from bench_core.weights import weight_file


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
    """Inpaint an image file and write the composite as PNG.

    Args:
        name: Name of the method.
        weights: Its trained weights; None for training-free methods.
        image: Image file.
        mask: Mask file of the same size.
        output: PNG file to write.
        hole: Colour of missing pixels in the mask: "white" or "black".
        device: Device to run on, or "auto".
        sketch: White lines on black for guided methods.

    Raises:
        BadInput: A file is unreadable, sizes differ, the mask marks nothing or everything, the weights are another
            method's, or the method does not support this hole.
    """
    pixels, missing = read_image(image), required_hole(read_mask(mask), hole).astype(bool)
    lines = read_mask(sketch).white() if sketch else None
    require_same_size(str(mask), missing, str(image), pixels)
    if lines is not None:
        require_same_size(str(sketch), lines, str(image), pixels)
    model = Plugins.find().model(name)
    if sketch and model.guide is None:
        raise BadInput(f"{name} takes no sketch; leave out --sketch.")
    inpainter = Inpainter.load(model, weights, open_fabric(device).device)
    filled = inpainter.inpaint(pixels, missing, lines)
    files.require_writable_folder(output.parent)
    files.write_bytes(output, as_png(filled))


def require_same_size(name: str, other: Array, image_name: str, image: Array) -> None:
    """Raise BadInput if a mask or sketch does not have the height and width of its image."""
    if image.shape[:2] != other.shape[:2]:
        raise BadInput(
            f"{name} is {other.shape[1]} x {other.shape[0]} pixels but {image_name} is {image.shape[1]} x "
            f"{image.shape[0]}; they must be equal."
        )


@dataclass(frozen=True)
class Inpainter:
    """A built method with its weights loaded, on its device."""

    model: Model
    method: Method
    scale: Scale
    channels: int
    device: torch.device

    @classmethod
    def load(cls, model: Model, weights: Path | None, device: torch.device) -> "Inpainter":
        """Build a method and load its weights. Training-free methods need none.

        Raises:
            BadInput: Weights are missing, or are another method's.
        """
        if model.recipe is None:
            method, scale, channels = resolve(model.build)("paper", 3, **model.options), "paper", 3
        elif weights is None:
            raise BadInput(
                f"{model.name} needs trained weights: give --weights, a weights.safetensors that `bench run` wrote."
            )
        else:
            facts = read_facts(model, weights)
            scale, channels = facts["scale"], facts["channels"]
            method = resolve(model.build)(scale, channels, **model.options | facts.get("options", {}))
            weight_file.load_weights(weights, method)
        return cls(model, method.to(device).eval(), scale, channels, device)

    def inpaint(self, image: Array, missing: Array, lines: Array | None = None) -> Array:
        """Return the composite: the image with its hole filled, uint8 (height, width, channels of the method).

        Args:
            image: uint8 (height, width, 3 or 1).
            missing: The hole, bool (height, width).
            lines: Sketch for a guided method, bool (height, width); no lines if None.

        Raises:
            BadInput: The method does not support this hole or this image size.
        """
        self._require_support(missing)
        inputs = [_tensor(as_channels(image, self.channels)) / 255, _tensor(missing[..., None])]
        if self.model.guide:
            inputs.append(_tensor((np.zeros_like(missing) if lines is None else lines)[..., None]))
        postprocess = resolve(self.model.postprocess) if self.model.postprocess else None
        multiple = self.model.size_multiple[self.scale]
        filled = fill(self.method, multiple, postprocess, *(each.to(self.device) for each in inputs))
        return (filled[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()

    def _require_support(self, missing: Array) -> None:
        model, sides = self.model, missing.shape
        if self.scale not in model.fixed_size:  # padding makes multiples
            multiple = model.size_multiple[self.scale]
            sides = tuple(-(-side // multiple) * multiple for side in sides)
        reason = refused_size(model, self.scale, *sides)
        reason = reason or (resolve(model.supports_hole)(missing.astype(np.uint8)) if model.supports_hole else "")
        if reason:
            raise BadInput(f"{model.name} {reason}.")


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None].float()


@torch.inference_mode()
def fill(
    method: Method, multiple: int, postprocess: Postprocess | None, image: Tensor, hole: Tensor, *guidance: Tensor
) -> Tensor:
    """Inpaint images of any size: pad to a multiple, predict, crop and composite.

    Padded pixels are marked as missing, so the method does not take them for image content.

    Args:
        method: A built method.
        multiple: Number that the method's height and width must be multiples of.
        postprocess: The model's post-processing, or None.
        image: (b, c, h, w) in [0, 1].
        hole: (b, 1, h, w), 1 = missing.
        guidance: Further inputs of `Method.predict`, (b, g, h, w).
    """
    height, width = image.shape[-2:]
    border = (0, -width % multiple, 0, -height % multiple)
    padded, padded_hole = pad(image * (1 - hole), border), pad(hole, border, value=1)
    prediction = method.predict(padded, padded_hole, *(pad(lines, border) for lines in guidance))
    if postprocess:
        prediction = postprocess(padded, padded_hole, prediction)
    return composite(image, hole, prediction[..., :height, :width])
