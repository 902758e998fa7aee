"""Holes from a folder of mask images."""

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from bench_core.errors import BadInput
from bench_core.masks.mask_folder import refuse_blank
from bench_core.masks.mask_images import is_blank, read_mask
from bench_core.system.image_files import find_image_files
from bench_masks.decoded_folder import decoded_digests, folder_digest

Hole = np.ndarray
EMPTY, FULL = (sha256(word).hexdigest() for word in (b"empty", b"full"))
"""Digests of masks that mark nothing or everything."""


def from_folder(rng: np.random.Generator, height: int, width: int, *, folder: str, hole: str, threshold: int) -> Hole:
    """Choose a mask image at random, resize it and compare its levels with the threshold.

    Args:
        hole: colour of missing pixels, "white" (levels from `threshold` on) or "black".

    Raises:
        BadInput: there are no images, one cannot be read, or `hole` is neither "white" nor "black".
    """
    paths = image_paths(folder)
    return read_mask(paths[rng.integers(len(paths))]).hole(hole, threshold, (height, width))


def content(*, folder: str, hole: str, threshold: int) -> dict[str, Any]:
    """Identify the folder by the names and levels of its masks, so that holes do not depend on its path.

    Raises:
        BadInput: a mask cannot be read, all of them mark nothing or everything, or a parameter is wrong.
    """
    if hole not in ("white", "black"):
        raise BadInput(f'hole = {hole!r}: give "white" or "black", the colour of missing pixels.')
    paths = image_paths(folder)

    def digest(path: Path) -> bytes:
        mask = read_mask(path)
        found = mask.hole(hole, threshold)
        if is_blank(found):
            return bytes.fromhex(FULL if found.any() else EMPTY)
        return sha256(f"{mask.levels.shape}\0".encode() + mask.levels.tobytes()).digest()

    digests = decoded_digests(f"holes, {hole} from {threshold}", Path(folder).expanduser(), paths, digest)
    blank = [path for path, found in zip(paths, digests, strict=True) if found in (EMPTY, FULL)]
    refuse_blank(folder, [f"{path.name} ({read_mask(path).found})" for path in blank], len(paths))
    return {"folder": folder_digest(Path(folder).expanduser(), paths, digests)}


@cache
def image_paths(folder: str) -> list[Path]:
    """List the masks in a folder and its subfolders, sorted by path.

    Raises:
        BadInput: there is no such folder, or it holds no images.
    """
    return find_image_files(Path(folder).expanduser(), masks=True)
