"""Holes in the shape of objects, moved to another place in their image, in place of LaMa's segmentation masks.

LaMa (Suvorov et al., WACV 2022) finds objects with a segmentation network. Here they come from a folder of instance
maps, such as those of COCO or ADE20K. The other steps are LaMa's.
"""

from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from bench_core.errors import BadInput
from bench_core.images import decode
from bench_masks.decoded_folder import decoded_digests, folder_digest
from bench_masks.image_folder import image_paths

Hole = np.ndarray
Range = tuple[float, float]
ATTEMPTS = 200
STEPS = 64
"""Number of horizontal places to try, evenly spaced over the width."""


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
    """Draw the silhouette of a random object, scaled, perhaps flipped, and shifted off the objects of its map.

    Args:
        folder: folder of instance maps.
        largest: objects that cover this fraction of the image or more are not used.
        scale: minimum and maximum scale of the silhouette.
        shift: maximum vertical shift, as a fraction of the height.
        hidden: maximum fraction of the silhouette outside the image.
        overlap: maximum overlap with objects, as a fraction of either.
        smallest: holes with this hole ratio or less are rejected.

    Raises:
        BadInput: the folder holds no maps, one cannot be read, or no hole was accepted in 200 attempts.
    """
    paths = image_paths(folder)
    for _ in range(ATTEMPTS):
        labels = _labels(paths[rng.integers(len(paths))], height, width)
        objects = [labels == label for label in np.unique(labels) if label]
        candidates = [mask for mask in objects if 0 < mask.mean() < largest]
        if candidates:
            original = candidates[rng.integers(len(candidates))]
            placed = _place(rng, original, objects, _scale_and_flip(rng, original, scale), shift, hidden, overlap)
            if placed is not None and placed.mean() > smallest:
                return placed
    raise BadInput(
        f"No object in {folder!r} made a hole in {ATTEMPTS} attempts: they are larger than {largest} or smaller than "
        f"{smallest} of the image, or the maps leave no background (0) to put them on."
    )


@lru_cache(maxsize=32)
def _labels(path: Path, height: int, width: int) -> np.ndarray:
    """Read an instance map and crop and resize it: whole numbers (height, width), 0 = background."""
    labels = _read_map(path)
    rows, columns = labels.shape
    zoom = min(rows / height, columns / width)
    return labels[np.ix_(_nearest(rows, height, zoom), _nearest(columns, width, zoom))]


def _read_map(path: Path) -> np.ndarray:
    labels = decode(path, str(path), _as_stored)
    if labels.ndim != 2:
        raise BadInput(f"{path} is no instance map. Expected one channel of whole numbers, 0 = background.")
    return labels


def _as_stored(image: Image.Image, file_format: str) -> np.ndarray:
    """Return the samples; those of a palette image are numbers of colours."""
    return np.array(image)


def content(*, folder: str, **parameters: Any) -> dict[str, str]:
    """Identify the folder by the names and labels of its maps, so that holes do not depend on its path.

    Raises:
        BadInput: a map cannot be read.
    """
    root, paths = Path(folder).expanduser(), image_paths(folder)

    def digest(path: Path) -> bytes:
        labels = _read_map(path)
        return sha256(f"{labels.shape} {labels.dtype}\0".encode() + labels.tobytes()).digest()

    return {"folder": folder_digest(root, paths, decoded_digests("instance maps", root, paths, digest))}


def _nearest(extent: int, wanted: int, zoom: float) -> np.ndarray:
    """Return `wanted` indexes into `extent`, centred and `zoom` apart."""
    return ((extent - wanted * zoom) / 2 + (np.arange(wanted) + 0.5) * zoom).astype(int)


def _scale_and_flip(rng: np.random.Generator, original: np.ndarray, scale: Range) -> np.ndarray:
    """Return the object's bounding box, uint8, scaled as far as it fits and flipped half of the time."""
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
    """Draw a vertical shift, then try horizontal places in random order. Return None if none is allowed."""
    height, width = original.shape
    top = int(np.flatnonzero(original.any(1))[0]) + round(rng.uniform(-shift, shift) * height)
    for left in rng.permutation(np.arange(1 - shape.shape[1], width, max(1, width // STEPS))):
        hole = _shifted(shape, top, int(left), height, width)
        if hole.sum() < (1 - hidden) * shape.sum():
            continue
        covered = (hole * np.any(objects, axis=0)).sum()
        if covered <= overlap * hole.sum() and all(_overlap(hole, mask) <= overlap for mask in objects):
            return hole
    return None


def _shifted(shape: np.ndarray, top: int, left: int, height: int, width: int) -> Hole:
    """Return the shape with its corner at (top, left), cropped to the image."""
    hole = np.zeros((height, width), np.uint8)
    inside = shape[max(0, -top) : max(0, height - top), max(0, -left) : max(0, width - left)]
    hole[max(0, top) : max(0, top) + inside.shape[0], max(0, left) : max(0, left) + inside.shape[1]] = inside
    return hole


def _overlap(hole: Hole, other: np.ndarray) -> float:
    """Return the intersection as a fraction of the smaller of the two."""
    return float((hole * other).sum() / max(1, min(hole.sum(), other.sum())))
