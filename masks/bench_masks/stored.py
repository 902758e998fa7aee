"""Holes of a mask set that was made once and is kept in a file."""

from functools import cache
from pathlib import Path

import numpy as np

from bench_core.errors import BadInput
from bench_core.masks.mask_file import MaskFile, read

Hole = np.ndarray


def from_file(number: int, height: int, width: int, *, file: str, sha256: str) -> Hole:
    """Hole `number` of the file, modulo its count.

    Raises:
        BadInput: the file cannot be read or is damaged, is not the one whose sha256 is given, or its holes have
            another size.
    """
    stored = _verified(file, sha256)
    if (height, width) != (stored.size, stored.size):
        raise BadInput(
            f"The mask set {file} has holes of {stored.size} x {stored.size} pixels, not {height} x {width}. Stored "
            f"holes are not resized: use it where images have the size {stored.size}, or make one of this size."
        )
    return stored.hole(number)


def content(*, file: str, sha256: str) -> dict[str, str]:
    """The set by its sha256, wherever it lies and whether or not its sha256 was given."""
    return {"file": "", "sha256": _verified(file, sha256).sha256}


@cache
def _verified(file: str, sha256: str) -> MaskFile:
    stored = read(Path(file).expanduser())
    if sha256 not in ("", stored.sha256):
        raise BadInput(
            f"The mask set {file} has the sha256 {stored.sha256}, but {sha256} was asked for: get that file, or change "
            "sha256 in the protocol if this one is meant."
        )
    return stored
