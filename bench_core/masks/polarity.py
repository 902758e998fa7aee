"""Which colour of mask pictures is the hole. The pictures of one folder come from one source and share the answer.

The rules, of which the first that applies decides:

1. Opaque paint on a transparent ground is the hole.
2. Where the names are the numbers of NVIDIA's irregular test set, whose bucket follows from the number (Liu et al.,
   ECCV 2018), the hole is the colour under which the ratios lie in those buckets.
3. A colour that covers at most a third on average is the hole.
4. Holes are drawn with brushes and boxes, so that their outlines are smooth, and what they leave between them has thin
   remnants and cusps: the hole is the colour of which a small opening takes at most half as many pixels as of the
   other.

Else the polarity is undecided, and the user must say it. Rule 3 is wrong for holes of more than two thirds on average.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from bench_core.masks.hole_stats import TENTHS, bucket
from bench_core.masks.mask_images import MaskImage

UNDECIDED = "undecided"
PER_BUCKET = 2000
"""Of NVIDIA's 12,000 numbers; the first half of each bucket touches the border, the second does not."""
ENOUGH = 20
"""Of fewer pictures, too many numbers would agree by chance."""


class Polarity(NamedTuple):
    hole: str
    """ "white", "black" or "undecided"."""
    reason: str


class MaskStatistics(NamedTuple):
    """How many pictures are as their NVIDIA number says."""

    ratios: int
    contacts: int


def decide(pictures: Sequence[MaskImage]) -> Polarity:
    """The polarity of pictures from one source, by the rules above."""
    if all(seen.painted for seen in pictures):
        return Polarity("white", "opaque paint on a transparent ground")
    agreeing = {hole: numbered(pictures, hole) for hole in ("white", "black")}
    for hole, agreed in agreeing.items():
        if agreed and len(pictures) >= ENOUGH and agreed.ratios >= 0.9 * len(pictures):
            return Polarity(hole, "ratios lie in the buckets of NVIDIA's numbers")
    white = float(np.mean([seen.hole_ratio("white") for seen in pictures]))
    if min(white, 1 - white) <= 1 / 3:
        hole, share = ("white", white) if white < 1 / 2 else ("black", 1 - white)
        return Polarity(hole, f"it covers {share:.0%} on average, at most a third")
    return _smoother(pictures)


def _smoother(pictures: Sequence[MaskImage]) -> Polarity:
    of_white, of_black = np.sum([seen.roughness for seen in pictures], axis=0)
    told = f"an opening takes {of_white} pixels of white and {of_black} of black"
    if max(of_white, of_black) == 0 or 2 * min(of_white, of_black) > max(of_white, of_black):
        return Polarity(UNDECIDED, f"areas are about equal, and {told}")
    return Polarity("white" if of_white < of_black else "black", f"it is the smoother one: {told}")


def numbered(pictures: Sequence[MaskImage], hole: str) -> MaskStatistics | None:
    """How many pictures agree with NVIDIA's rule, or None where not all names are five digits below 12,000."""
    names = [PurePosixPath(seen.name).stem for seen in pictures]
    if not all(re.fullmatch(r"0\d{4}|1[01]\d{3}", name) for name in names):
        return None
    said = [divmod(int(name), PER_BUCKET) for name in names]
    found = [(bucket(seen.hole_ratio(hole)), seen.contact[hole == "black"]) for seen in pictures]
    return MaskStatistics(
        sum(TENTHS[tenth] == ratio for (tenth, _), (ratio, _) in zip(said, found, strict=True)),
        sum((rest < PER_BUCKET / 2) == contact for (_, rest), (_, contact) in zip(said, found, strict=True)),
    )
