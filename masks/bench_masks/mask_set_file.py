"""Holes from a mask set file."""

from functools import cache
from pathlib import Path

import numpy as np

from bench_core.errors import BadInput
from bench_core.masks.mask_file import MaskFile, read

Hole = np.ndarray


def from_file(number: int, height: int, width: int, *, file: str, sha256: str) -> Hole:
    """Return hole `number` of the file, modulo its count.

    Raises:
        BadInput: the file cannot be read or is damaged, its sha256 is not the given one, or its holes have another
            size.
    """
    mask_file = _verified(file, sha256)
    if (height, width) != (mask_file.size, mask_file.size):
        raise BadInput(
            f"The mask set {file} has holes of {mask_file.size} x {mask_file.size} pixels, not {height} x {width}. "
            f"Stored holes are not resized: use images of size {mask_file.size}, or make a mask set of this size."
        )
    return mask_file.hole(number)


def content(*, file: str, sha256: str) -> dict[str, str]:
    """Identify the set by its sha256, wherever the file is and whether or not a sha256 was given."""
    return {"file": "", "sha256": _verified(file, sha256).sha256}


@cache
def _verified(file: str, sha256: str) -> MaskFile:
    mask_file = read(Path(file).expanduser()).require_holes()
    if sha256 not in ("", mask_file.sha256):
        raise BadInput(
            f"The mask set {file} has the sha256 {mask_file.sha256}, but {sha256} was given: "
            "use the file with that sha256, or change sha256 in the protocol."
        )
    return mask_file
