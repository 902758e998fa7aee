"""Decide which colour of mask images is the hole. Images of one folder share the answer, as they have one source.

The first rule that applies decides:

1. Opaque pixels on a transparent background are the hole.
2. If the file names are numbers of NVIDIA's irregular test set (Liu et al., ECCV 2018), each number implies a bucket of
   hole ratios. The hole is the colour whose ratios lie in these buckets.
3. A colour that covers at most a third of the image on average is the hole.

If no rule applies, the polarity is undecided and you must give it. Rule 3 is wrong for holes that cover more than two
thirds on average.
"""

import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

import numpy as np

from bench_core.masks.hole_stats import BUCKETS, ratio_bucket
from bench_core.masks.inspection import MaskImage

UNDECIDED = "undecided"
PER_BUCKET = 2000
"""Images per bucket in NVIDIA's test set of 12,000. In each bucket, the first half touches the border."""
MIN_IMAGES = 20
"""Fewer images would too often agree with NVIDIA's numbers by chance."""


class Polarity(NamedTuple):
    """Colour of the hole, and the rule that decided it."""

    hole: str
    """ "white", "black" or "undecided"."""
    reason: str


class NvidiaAgreement(NamedTuple):
    """Number of images whose hole ratio, and whose border contact, agree with their NVIDIA number."""

    ratios: int
    contacts: int


def decide_polarity(images: Sequence[MaskImage]) -> Polarity:
    """Decide the polarity of images from one source by the rules above."""
    if all(image.from_opacity for image in images):
        return Polarity("white", "opaque pixels on a transparent background")
    for hole in ("white", "black"):
        agreement = nvidia_agreement(images, hole)
        if agreement and len(images) >= MIN_IMAGES and agreement.ratios >= 0.9 * len(images):
            return Polarity(hole, "ratios lie in the buckets of NVIDIA's numbers")
    white = float(np.mean([image.hole_ratio("white") for image in images]))
    if min(white, 1 - white) <= 1 / 3:
        hole, share = ("white", white) if white < 1 / 2 else ("black", 1 - white)
        return Polarity(hole, f"it covers {share:.0%} on average, at most a third")
    return Polarity(UNDECIDED, f"white covers {white:.0%} on average, black {1 - white:.0%}")


def nvidia_agreement(images: Sequence[MaskImage], hole: str) -> NvidiaAgreement | None:
    """Count the images that agree with NVIDIA's numbering. Return None unless all names are 00000 to 11999."""
    names = [PurePosixPath(image.name).stem for image in images]
    if not all(re.fullmatch(r"0\d{4}|1[01]\d{3}", name) for name in names):
        return None
    ratios = contacts = 0
    for name, image in zip(names, images, strict=True):
        bucket, within = divmod(int(name), PER_BUCKET)
        ratios += BUCKETS[bucket] == ratio_bucket(image.hole_ratio(hole))
        contacts += (within < PER_BUCKET / 2) == image.border_contact(hole)
    return NvidiaAgreement(ratios, contacts)
