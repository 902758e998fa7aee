"""Holes from mask pictures."""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench_core.errors import BadInput
from bench_core.images import as_channels, read_image
from bench_core.seeds import digest
from bench_core.system.files import sha256

Hole = np.ndarray
SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}


def from_folder(rng: np.random.Generator, height: int, width: int, *, folder: str, hole: str, threshold: int) -> Hole:
    """A mask picture chosen at random, resized and then binarised; `hole` tells which side of the threshold is missing.

    Raises:
        BadInput: there are no pictures, or `hole` is neither "white" nor "black".
    """
    if hole not in ("white", "black"):
        raise BadInput(f'hole = {hole!r}: say "white" or "black", the colour that marks missing pixels.')
    paths = pictures(folder)
    grey = as_channels(read_image(paths[rng.integers(len(paths))]), 1)[..., 0]
    if grey.shape != (height, width):
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    white = grey >= threshold
    return (white if hole == "white" else ~white).astype(np.uint8)


def content(*, folder: str, **parameters: Any) -> dict[str, str]:
    """The folder's pictures by their sha256, so that holes depend on them and not on where they lie."""
    root = Path(folder).expanduser()
    return {"folder": digest([[path.relative_to(root).as_posix(), sha256(path)] for path in pictures(folder)])}


@cache
def pictures(folder: str) -> list[Path]:
    """The pictures in a folder and below it, in the order of their paths.

    Raises:
        BadInput: there are none.
    """
    paths = sorted(path for path in Path(folder).expanduser().rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise BadInput(f"The mask folder {folder!r} holds no pictures ({', '.join(sorted(SUFFIXES))}).")
    return paths
