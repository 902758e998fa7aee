"""One trained method on one picture of any size."""

from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn.functional import pad

from bench_core import checkpoints, files
from bench_core.devices import open_fabric
from bench_core.errors import BadInput
from bench_core.images import Array, as_channels, read_image
from bench_core.method import Finish, Method, composite
from bench_core.plugins import Plugins
from bench_core.pretrained import weights_of
from bench_core.serving import refused_size
from bench_core.specs import Model, Scale, resolve

THRESHOLD = 128


def paint(
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
    truth, marks = read_image(image), as_channels(read_image(mask), 1)
    lines = as_channels(read_image(sketch), 1) if sketch else np.zeros_like(marks)
    for path, other in ((mask, marks), (sketch, lines)):
        if truth.shape[:2] != other.shape[:2]:
            raise BadInput(
                f"{path} is {other.shape[1]} x {other.shape[0]} pixels but {image} is {truth.shape[1]} x "
                f"{truth.shape[0]}; they must be equal."
            )
    missing = (marks >= THRESHOLD) if hole == "white" else (marks < THRESHOLD)
    model = Plugins.find().model(name)
    if sketch and model.guide is None:
        raise BadInput(f"{name} takes no sketch; leave out --sketch.")
    method, scale, channels = _method(model, weights)
    _refuse(model, scale, missing[..., 0])
    where = open_fabric(device).device
    picture = _tensor(as_channels(truth, channels)).to(where) / 255
    given = [picture, _tensor(missing).to(where)]
    if model.guide:
        given.append(_tensor(lines >= THRESHOLD).to(where))
    method = method.to(where).eval()
    filled = fill(method, model.size_multiple[scale], resolve(model.finish) if model.finish else None, *given)
    array = (filled[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    buffer = BytesIO()
    Image.fromarray(array[..., 0] if channels == 1 else array).save(buffer, "PNG")
    files.writable_folder(output.parent)
    files.write_bytes(output, buffer.getvalue())


def _method(model: Model, weights: Path | None) -> tuple[Method, Scale, int]:
    """The method with its weights, its scale and its channels."""
    if model.recipe is None:
        return resolve(model.build)("paper", 3), "paper", 3
    if weights is None:
        raise BadInput(
            f"{model.name} must have been trained: give --weights, a weights.safetensors that `bench run` wrote."
        )
    facts = weights_of(model, weights)
    method = resolve(model.build)(facts["scale"], facts["channels"], **model.options | facts.get("options", {}))
    checkpoints.load_weights(weights, method)
    return method, facts["scale"], facts["channels"]


def _refuse(model: Model, scale: Scale, missing: Array) -> None:
    """Raises BadInput where padding does not help: a network of one size only, or holes of another kind."""
    height, width = missing.shape
    reason = refused_size(model, scale, height, width) if scale in model.fixed_size else ""
    reason = reason or (resolve(model.serves)(missing.astype(np.uint8)) if model.serves else "")
    if reason:
        raise BadInput(f"{model.name} {reason}.")


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None].float()


@torch.inference_mode()
def fill(
    method: Method, multiple: int, finish: Finish | None, image: Tensor, hole: Tensor, *guidance: Tensor
) -> Tensor:
    """Pad to a size that the method takes (with hole, so that nothing is made up), predict, crop, composite."""
    height, width = image.shape[-2:]
    border = (0, -width % multiple, 0, -height % multiple)
    padded, padded_hole = pad(image * (1 - hole), border), pad(hole, border, value=1)
    prediction = method.predict(padded, padded_hole, *(pad(lines, border) for lines in guidance))
    if finish:
        prediction = finish(padded, padded_hole, prediction)
    return composite(image, hole, prediction[..., :height, :width])
