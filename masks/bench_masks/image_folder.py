"""Holes from a folder of mask images."""

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bench_core.errors import BadInput
from bench_core.images import as_channels, read_image
from bench_core.masks.mask_images import SUFFIXES
from bench_core.seeds import digest
from bench_core.system.files import sha256

Hole = np.ndarray


def from_folder(rng: np.random.Generator, height: int, width: int, *, folder: str, hole: str, threshold: int) -> Hole:
    """Choose a mask image at random, resize it and compare its levels with the threshold.

    Args:
        hole: colour of missing pixels, "white" (levels from `threshold` on) or "black".

    Raises:
        BadInput: there are no images, or `hole` is neither "white" nor "black".
    """
    if hole not in ("white", "black"):
        raise BadInput(f'hole = {hole!r}: give "white" or "black", the colour of missing pixels.')
    paths = image_paths(folder)
    grey = as_channels(read_image(paths[rng.integers(len(paths))]), 1)[..., 0]
    if grey.shape != (height, width):
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_LINEAR)
    white = grey >= threshold
    return (white if hole == "white" else ~white).astype(np.uint8)


def content(*, folder: str, **parameters: Any) -> dict[str, str]:
    """Identify the folder by the sha256 of its images, so that holes do not depend on its path."""
    root = Path(folder).expanduser()
    return {"folder": digest([[path.relative_to(root).as_posix(), sha256(path)] for path in image_paths(folder)])}


@cache
def image_paths(folder: str) -> list[Path]:
    """List the images in a folder and its subfolders, sorted by path.

    Raises:
        BadInput: there are none.
    """
    paths = sorted(path for path in Path(folder).expanduser().rglob("*") if path.suffix.lower() in SUFFIXES)
    if not paths:
        raise BadInput(f"The mask folder {folder!r} holds no images ({', '.join(sorted(SUFFIXES))}).")
    return paths
