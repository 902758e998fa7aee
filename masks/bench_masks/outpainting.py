"""Holes along the image's borders, to be painted outwards."""

import numpy as np

from bench_core.errors import BadInput

Hole = np.ndarray
SIDES = ("left", "right", "top", "bottom")


def outpainting(
    rng: np.random.Generator,
    height: int,
    width: int,
    *,
    sides: str,
    borders: tuple[int, int],
    depth: tuple[float, float],
) -> Hole:
    """Bands along some of `sides`: how many, which, and how deep each reaches, as a fraction of the extent, are drawn.

    Raises:
        BadInput: `sides` are no sides, there are fewer of them than `borders`, or nothing would be known.
    """
    named = [side.strip() for side in sides.split(",")]
    if not set(named) <= set(SIDES) or not 1 <= borders[0] <= borders[1] <= len(set(named)) == len(named):
        raise BadInput(f"sides = {sides!r}, borders = {borders}: name some of {', '.join(SIDES)}, and how many.")
    hole = np.zeros((height, width), np.uint8)
    for which in rng.permutation(len(named))[: rng.integers(*borders, endpoint=True)]:
        _hide(hole, named[which], rng.uniform(*depth))
    if hole.all():
        raise BadInput(f"With depth = {depth} nothing would be known; opposite borders must not meet.")
    return hole


def _hide(hole: Hole, side: str, depth: float) -> None:
    lines = hole.T if side in ("left", "right") else hole
    reach = round(depth * len(lines))
    if side in ("right", "bottom"):
        lines = lines[::-1]
    lines[:reach] = 1
