"""Holes per second of each mask family."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from bench_core import seeds
from bench_core.errors import BadInput
from bench_core.images import Array
from bench_core.masks import mask_file
from bench_core.masks.mask_set import open_sets
from bench_core.protocol import MaskSpec
from bench_core.specs import MaskFamily
from bench_perf.records import Candidate, Case, Runner
from bench_perf.settings import Settings

HOLES = 16
"""Holes per run. They are always the same ones, since some holes take many attempts."""
FILES = 8
"""Files for families that draw from a user's folder."""


def cases(settings: Settings) -> Iterator[Case]:
    """Yield every family with its default parameters at every size."""
    for family in settings.plugins.records("masks").values():
        for size in settings.sizes:
            candidate = Candidate("ours", partial(_open, family, size))
            yield Case("masks", f"{family.name} {size}", (candidate,), "holes", HOLES)


def _open(family: MaskFamily, size: int, cleanup: ExitStack) -> Runner:
    folder = Path(cleanup.enter_context(TemporaryDirectory()))
    spec = MaskSpec.model_validate({"family": family.name, **required_parameters(family, folder, size)})
    holes = open_sets({"speed": spec}, {family.name: family})["speed"]

    def run() -> None:
        for number in range(HOLES):
            holes.draw(size, "speed", number)

    return Runner(run)


def required_parameters(family: MaskFamily, folder: Path, size: int) -> dict[str, Any]:
    """Make values for the parameters without a default, and write the files that they name into `folder`.

    Raises:
        BadInput: a parameter is unknown here.
    """
    required = [name for name, default in family.parameters.items() if default is ...]
    if unknown := [name for name in required if name not in _MAKERS]:
        raise BadInput(f"It needs {', '.join(unknown)}; bench perf can make {', '.join(_MAKERS)} only.")
    return {name: _MAKERS[name](folder, size) for name in required}


def _image_folder(folder: Path, size: int) -> str:
    """Write grey PNGs, which serve as label maps (0 = background) and as masks (white = missing)."""
    for number, labels in enumerate(_label_maps(size)):
        Image.fromarray(labels).save(folder / f"{number}.png")
    return str(folder)


def _mask_file(folder: Path, size: int) -> str:
    path = folder / f"speed{mask_file.SUFFIX}"
    packed = [mask_file.pack((labels > 0).astype(np.uint8)) for labels in _label_maps(size)]
    mask_file.write(path, size, packed, {"name": "speed"})
    return str(path)


def _label_maps(size: int) -> Iterator[Array]:
    """Yield maps of three boxes, each at most 1/16 of the image. Labels are so high that all count as white."""
    for number in range(FILES):
        labels = np.zeros((size, size), np.uint8)
        for label, (top, left) in enumerate(seeds.generator("maps", number).integers(0, 3 * size // 4 + 1, (3, 2))):
            labels[top : top + size // 4, left : left + size // 4] = 253 + label
        yield labels


_MAKERS: dict[str, Callable[[Path, int], str]] = {
    "folder": _image_folder,
    "hole": lambda folder, size: "white",
    "file": _mask_file,
}
