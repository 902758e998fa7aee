"""What mask families that draw from a user's files are given, so that they can be timed."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench_core import seeds
from bench_core.errors import BadInput
from bench_core.images import Array
from bench_core.masks import mask_file
from bench_core.specs import MaskFamily

PICTURES = 8


def inputs(family: MaskFamily, folder: Path, size: int) -> dict[str, Any]:
    """The parameters that the family has no defaults for; files are written into the folder.

    Raises:
        BadInput: one of them is of no known meaning.
    """
    asked = [name for name, default in family.parameters.items() if default is ...]
    if strange := [name for name in asked if name not in _MADE]:
        raise BadInput(f"It needs {', '.join(strange)}; bench perf can make {', '.join(_MADE)} only.")
    return {name: _MADE[name](folder, size) for name in asked}


def _pictures(folder: Path, size: int) -> str:
    """PNGs, grey: maps of three labelled objects on background (0), or masks where white is missing."""
    for number, labels in enumerate(_maps(size)):
        Image.fromarray(labels).save(folder / f"{number}.png")
    return str(folder)


def _mask_set(folder: Path, size: int) -> str:
    path = folder / f"speed{mask_file.SUFFIX}"
    mask_file.write(
        path, size, [mask_file.pack((labels > 0).astype(np.uint8)) for labels in _maps(size)], {"name": "speed"}
    )
    return str(path)


def _maps(size: int) -> Iterator[Array]:
    """Three boxes each, with a sixteenth of the canvas or less that is seen; all labels count as white."""
    for number in range(PICTURES):
        labels = np.zeros((size, size), np.uint8)
        for label, (top, left) in enumerate(seeds.generator("maps", number).integers(0, 3 * size // 4 + 1, (3, 2))):
            labels[top : top + size // 4, left : left + size // 4] = 253 + label
        yield labels


_MADE: dict[str, Callable[[Path, int], str]] = {
    "folder": _pictures,
    "hole": lambda folder, size: "white",
    "file": _mask_set,
}
