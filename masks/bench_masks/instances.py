"""A substitute for LaMa's segmentation masks: silhouettes of labelled objects, moved to elsewhere in their image.

LaMa (Suvorov et al., WACV 2022) finds objects with a segmentation network; here they come from a folder of instance
maps, such as those of COCO or ADE20K, and the steps that follow are LaMa's.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench_core.errors import BadInput
from bench_masks.files import pictures

Hole = np.ndarray
Range = tuple[float, float]
ATTEMPTS = 200
STEPS = 64
"""Into so many parts the width is divided by the horizontal places that are tried."""


def instances(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    folder: str,
    largest: float,
    scale: Range,
    shift: float,
    hidden: float,
    overlap: float,
    smallest: float,
) -> Hole:
    """The silhouette of one object of one map, scaled, perhaps flipped, and shifted off the objects of that map.

    Raises:
        BadInput: the folder holds no maps, one cannot be read, or no object of many could be placed.
    """
    paths = pictures(folder)
    for _ in range(ATTEMPTS):
        labels = _labels(paths[rng.integers(len(paths))], height, width)
        objects = [labels == label for label in np.unique(labels) if label]
        candidates = [each for each in objects if 0 < each.mean() < largest]
        if candidates:
            original = candidates[rng.integers(len(candidates))]
            placed = _place(rng, original, objects, _varied(rng, original, scale), shift, hidden, overlap)
            if placed is not None and placed.mean() > smallest:
                return placed
    raise BadInput(
        f"No object in {folder!r} made a hole in {ATTEMPTS} attempts: they are larger than {largest} or smaller than "
        f"{smallest} of the image, or the maps leave no background (0) to put them on."
    )


@lru_cache(maxsize=32)
def _labels(path: Path, height: int, width: int) -> np.ndarray:
    """An instance map, whole numbers (height, width), 0 = background: its middle, in the shape of the canvas."""
    with Image.open(path) as file:
        labels = np.array(file)
    if labels.ndim != 2:
        raise BadInput(f"{path} is no instance map: it wants one channel of whole numbers, 0 = background.")
    rows, columns = labels.shape
    zoom = min(rows / height, columns / width)
    return labels[np.ix_(_spread(rows, height, zoom), _spread(columns, width, zoom))]


def _spread(extent: int, wanted: int, zoom: float) -> np.ndarray:
    """Positions of `wanted` nearest neighbours, `zoom` apart, around the middle."""
    return ((extent - wanted * zoom) / 2 + (np.arange(wanted) + 0.5) * zoom).astype(int)


def _varied(rng: np.random.Generator, original: np.ndarray, scale: Range) -> np.ndarray:
    """The object's own rectangle, uint8, scaled as far as it still fits and flipped half of the time."""
    rows, columns = np.flatnonzero(original.any(1)), np.flatnonzero(original.any(0))
    cut = original[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    room = min(original.shape[0] / cut.shape[0], original.shape[1] / cut.shape[1])
    factor = min(rng.uniform(*scale), room)
    sides = [max(1, min(int(side * factor), most)) for side, most in zip(cut.shape, original.shape, strict=True)]
    scaled = cv2.resize(cut, (sides[1], sides[0]), interpolation=cv2.INTER_NEAREST)
    return scaled[:, ::-1] if rng.random() < 0.5 else scaled


def _place(
    rng: np.random.Generator,
    original: np.ndarray,
    objects: list[np.ndarray],
    shape: np.ndarray,
    shift: float,
    hidden: float,
    overlap: float,
) -> Hole | None:
    """A vertical shift is drawn, then horizontal places are tried in random order until one is allowed."""
    height, width = original.shape
    top = int(np.flatnonzero(original.any(1))[0]) + round(rng.uniform(-shift, shift) * height)
    for left in rng.permutation(np.arange(1 - shape.shape[1], width, max(1, width // STEPS))):
        hole = _shifted(shape, top, int(left), height, width)
        if hole.sum() < (1 - hidden) * shape.sum():
            continue
        if all(_shared(hole, each) <= overlap for each in objects) and _covered(hole, objects) <= overlap * hole.sum():
            return hole
    return None


def _shifted(shape: np.ndarray, top: int, left: int, height: int, width: int) -> Hole:
    """The shape with its corner at (top, left), cut off at the border."""
    hole = np.zeros((height, width), np.uint8)
    inside = shape[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    hole[max(0, top) : max(0, top) + inside.shape[0], max(0, left) : max(0, left) + inside.shape[1]] = inside
    return hole


def _shared(hole: Hole, other: np.ndarray) -> float:
    """The larger of the fractions that each of both has in common with the other."""
    return float((hole * other).sum() / max(1, min(hole.sum(), other.sum())))


def _covered(hole: Hole, objects: list[np.ndarray]) -> int:
    return int((hole * np.any(objects, axis=0)).sum())
