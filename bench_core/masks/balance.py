"""Select equally many holes of every ratio, with and without border contact.

The twelve kinds of holes are those of the irregular test set of Liu et al. (ECCV 2018): ratios in (0.01, 0.1],
(0.1, 0.2] ... (0.5, 0.6], each with holes that touch the border and holes that keep a margin.
"""

from collections.abc import Callable, Iterable
from itertools import cycle

import numpy as np

from bench_core.errors import BadInput
from bench_core.masks.hole_stats import BUCKETS, ratio_bucket, touches_border
from bench_core.masks.mask_file import PackedHole, pack

MIN_RATIO = 0.01
MARGIN = 50 / 512
"""Distance from the border of holes without contact, as a fraction of the side."""
MAX_REJECTED = 5000
"""Number of rejected proposals in a row after which the selection fails."""
Kind = tuple[str, bool]
"""A bucket of hole ratios, and whether the hole touches the border."""
KINDS: list[Kind] = [(name, contact) for name in BUCKETS for contact in (True, False)]
Proposal = tuple[PackedHole | None, PackedHole]


def propose(hole: np.ndarray) -> Proposal:
    """Return the two versions of a hole: unchanged, or None if it has no border contact, and with a cleared margin."""
    margin = max(1, round(MARGIN * hole.shape[0]))
    inner = np.zeros_like(hole)
    inner[margin:-margin, margin:-margin] = hole[margin:-margin, margin:-margin]
    return pack(hole) if touches_border(hole) else None, pack(inner)


def select_balanced(proposals: Iterable[Proposal], count: int, progress: Callable[[int], None]) -> list[PackedHole]:
    """Take proposals in order until every kind has its share of `count`.

    At most one version of each hole is taken. The version with border contact comes first.

    Args:
        progress: called with the number of holes taken.

    Returns:
        `count` holes; hole i is of kind i modulo twelve.

    Raises:
        BadInput: `count` is not a multiple of twelve, or a kind cannot be filled.
    """
    share, rest = divmod(count, len(KINDS))
    if rest or not share:
        raise BadInput(f"--balance makes equally many holes of {len(KINDS)} kinds: --count {count} is not a multiple.")
    selected: dict[Kind, list[PackedHole]] = {kind: [] for kind in KINDS}
    taken = rejected = 0
    for versions in proposals:
        hole = next((hole for hole in versions if hole and len(selected.get(_kind(hole), range(share))) < share), None)
        if hole:
            selected[_kind(hole)].append(hole)
            taken += 1
            progress(taken)
        rejected = 0 if hole else rejected + 1
        if taken == count:
            break
        if rejected == MAX_REJECTED:
            raise _unfilled(selected, share)
    return [selected[kind][number // len(KINDS)] for number, kind in zip(range(count), cycle(KINDS), strict=False)]


def _kind(hole: PackedHole) -> Kind:
    ratio = hole.stats.hole_ratio
    return (ratio_bucket(ratio) if ratio > MIN_RATIO else "too small", hole.stats.border_contact)


def _unfilled(selected: dict[Kind, list[PackedHole]], share: int) -> BadInput:
    (name, contact), holes = min(selected.items(), key=lambda item: len(item[1]))
    return BadInput(
        f"The bucket {name.replace('0.0-', '0.01-')} {'with' if contact else 'without'} border contact has "
        f"{len(holes)} of {share} holes, and the last {MAX_REJECTED} proposals were rejected. Choose a family or "
        "parameters that draw such holes (some families bound their hole_ratio)."
    )
