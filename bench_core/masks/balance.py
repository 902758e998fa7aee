"""Equally many holes of every ratio, with and without contact to the border.

The twelve kinds are those of the irregular test set of Liu et al. (ECCV 2018): ratios in (0.01, 0.1], (0.1, 0.2] ...
(0.5, 0.6], each with holes that touch the border and holes that keep away from it.
"""

from collections.abc import Callable, Iterable
from itertools import cycle

import numpy as np

from bench_core.errors import BadInput
from bench_core.masks.hole_stats import TENTHS, bucket, touches_border
from bench_core.masks.mask_file import PackedHole, pack

LOWEST = 0.01
MARGIN = 50 / 512
"""How far holes without contact keep away from the border, as a fraction of the side."""
MAX_ATTEMPTS = 5000
"""After so many proposals in a row that are of no use, a kind that is not full is given up."""
Kind = tuple[str, bool]
"""A bucket, and whether the border is touched."""
KINDS: list[Kind] = [(tenth, contact) for tenth in TENTHS for contact in (True, False)]


def with_and_without_border(hole: np.ndarray) -> tuple[PackedHole | None, PackedHole]:
    """The two proposals that a hole makes: itself, if it touches the border, and itself but for a margin."""
    margin = max(1, round(MARGIN * hole.shape[0]))
    inner = np.zeros_like(hole)
    inner[margin:-margin, margin:-margin] = hole[margin:-margin, margin:-margin]
    return pack(hole) if touches_border(hole) else None, pack(inner)


def balanced(
    proposals: Iterable[tuple[PackedHole | None, PackedHole]], count: int, tell: Callable[[int, str], None]
) -> list[PackedHole]:
    """Take proposals in their order until every kind has its share of `count`; hole i is of kind i modulo twelve.

    Of one hole's two proposals only one is taken, the one that touches the border if both have a place.

    Raises:
        BadInput: `count` is no multiple of twelve, or a kind cannot be filled.
    """
    share, rest = divmod(count, len(KINDS))
    if rest or not share:
        raise BadInput(f"A balanced set has equally many holes of {len(KINDS)} kinds: --count {count} is no multiple.")
    shelves: dict[Kind, list[PackedHole]] = {kind: [] for kind in KINDS}
    placed = fruitless = 0
    for proposal in proposals:
        wanted = next((hole for hole in proposal if hole and len(shelves.get(_kind(hole), range(share))) < share), None)
        fruitless = 0 if wanted else fruitless + 1
        if wanted:
            shelves[_kind(wanted)].append(wanted)
            placed += 1
            tell(placed, "")
        if placed == count:
            break
        if fruitless == MAX_ATTEMPTS:
            raise _never_full(shelves, share)
    return [shelves[kind][number // len(KINDS)] for number, kind in zip(range(count), cycle(KINDS), strict=False)]


def _kind(hole: PackedHole) -> Kind:
    ratio = hole.facts.hole_ratio
    return (bucket(ratio) if ratio > LOWEST else "too small", hole.facts.border_contact)


def _never_full(shelves: dict[Kind, list[PackedHole]], share: int) -> BadInput:
    (tenth, contact), found = min(shelves.items(), key=lambda shelf: len(shelf[1]))
    where = "with" if contact else "without"
    return BadInput(
        f"The bucket {tenth.replace('0.0-', '0.01-')} {where} border contact has {len(found)} of {share} holes, and "
        f"{MAX_ATTEMPTS} more proposals brought none of use: choose a family or parameters that draw such holes "
        "(some families bound their hole_ratio)."
    )
