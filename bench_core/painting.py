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
from bench_core.errors import BadInput, unknown
from bench_core.images import Array, as_channels, read_image
from bench_core.method import Method, composite
from bench_core.plugins import Plugins
from bench_core.specs import resolve

THRESHOLD = 128


def paint(name: str, weights: Path | None, image: Path, mask: Path, output: Path, hole: str, device: str) -> None:
    """Read, fill the hole, composite, write a PNG.

    Raises:
        BadInput: a file is unreadable, sizes differ, or the weights are not this method's.
    """
    truth, marks = read_image(image), as_channels(read_image(mask), 1)
    if truth.shape[:2] != marks.shape[:2]:
        raise BadInput(
            f"{mask} is {marks.shape[1]} x {marks.shape[0]} pixels but {image} is {truth.shape[1]} x {truth.shape[0]}; "
            "they must be equal."
        )
    missing = (marks >= THRESHOLD) if hole == "white" else (marks < THRESHOLD)
    method, channels, multiple = _method(name, weights)
    where = open_fabric(device).device
    picture = _tensor(as_channels(truth, channels)).to(where) / 255
    filled = _fill(method.to(where).eval(), picture, _tensor(missing).to(where), multiple)
    array = (filled[0] * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    buffer = BytesIO()
    Image.fromarray(array[..., 0] if channels == 1 else array).save(buffer, "PNG")
    files.writable_folder(output.parent)
    files.write_bytes(output, buffer.getvalue())


def _method(name: str, weights: Path | None) -> tuple[Method, int, int]:
    """The method with its weights, its channels, and what its sizes must be multiples of."""
    plugins = Plugins.find()
    if name not in plugins.records("models"):
        plugins.load_all()
    models = plugins.records("models")
    if name not in models:
        raise unknown("method", name, models)
    model = models[name]
    if model.recipe is None:
        return resolve(model.build)("paper", 3), 3, 1
    if weights is None:
        raise BadInput(f"{name} must have been trained: give --weights, a weights.safetensors that `bench run` wrote.")
    facts = checkpoints.weights_facts(weights)
    if facts.get("method") != name:
        raise BadInput(f"{weights} holds weights of {facts.get('method')!r}, not of {name!r}.")
    method = resolve(model.build)(facts["scale"], facts["channels"])
    checkpoints.load_weights(weights, method)
    return method, facts["channels"], model.size_multiple[facts["scale"]]


def _tensor(array: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(2, 0, 1)))[None].float()


@torch.inference_mode()
def _fill(method: Method, image: Tensor, hole: Tensor, multiple: int) -> Tensor:
    """Pad to a size that the method takes (with hole, so that nothing is made up), predict, crop, composite."""
    height, width = image.shape[-2:]
    border = (0, -width % multiple, 0, -height % multiple)
    padded, padded_hole = pad(image * (1 - hole), border), pad(hole, border, value=1)
    prediction = method.predict(padded, padded_hole)[..., :height, :width]
    return composite(image, hole, prediction)
