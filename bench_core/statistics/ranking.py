"""Who is better than whom, as far as a comparison can tell: corrected p, ranks and groups."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from bench_core.statistics.compare import Comparison

LEVEL = 0.05
"""How often, at most, a table of equal methods may call any two of them different."""


@dataclass(frozen=True)
class Ranking:
    """What a comparison says about the order of its methods."""

    p: Float[ndarray, "methods methods"]
    """Corrected for all pairs of methods."""
    best: int
    ranks: Int[ndarray, "methods 2"]
    """The best and the worst rank that a method may have, 1 for the best method."""
    groups: Sequence[str]
    """A letter for each group that a method belongs to: methods that share one are not distinguishable."""

    @property
    def like_best(self) -> Bool[ndarray, " methods"]:
        """Which methods are not distinguishable from the best, itself included."""
        return self.p[self.best] >= LEVEL


def rank(comparison: Comparison, better: Literal["higher", "lower"]) -> Ranking:
    """Rank methods by what is certain: one is before another where their difference survives the correction.

    A rank interval reaches from behind all that are certainly better to before all that are certainly worse, as in
    Mogstad, Romano, Shaikh and Wilhelm, Inference for Ranks, 2024.
    """
    count = len(comparison.means)
    first, second = np.triu_indices(count, 1)
    p = np.ones((count, count))
    p[first, second] = p[second, first] = holm(comparison.p[first, second])
    merit = comparison.means if better == "higher" else -comparison.means
    wins = (p < LEVEL) & (merit[:, None] > merit)
    ranks = np.stack([1 + wins.sum(0), count - wins.sum(1)], axis=1)
    order = np.argsort(-merit, kind="stable")
    return Ranking(p, int(order[0]), ranks, letters(p < LEVEL, order))


def holm(p: Float[ndarray, " k"]) -> Float[ndarray, " k"]:
    """Corrected for their number (Holm, A simple sequentially rejective multiple test procedure, 1979)."""
    order = np.argsort(p, kind="stable")
    corrected = np.empty_like(p)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1)).clip(max=1)
    return corrected


def letters(different: Bool[ndarray, "methods methods"], order: Int[ndarray, " methods"]) -> list[str]:
    """A letter for each largest set of methods of which no two are different; "a" holds the first of the order.

    Sets are split by one difference after the other (Piepho, An algorithm for a letter-based representation of
    all-pairwise comparisons, 2004). Beyond z they are numbered.
    """
    place = np.argsort(order)
    groups = [frozenset(range(len(order)))]
    for one, other in np.argwhere(np.triu(different)).tolist():
        parts = {part for group in groups for part in _split(group, one, other)}
        groups = [part for part in parts if not any(part < another for another in parts)]
    groups.sort(key=lambda group: sorted(place[member] for member in group))
    names = [ascii_lowercase[i] if len(groups) <= 26 else f"{i + 1}" for i in range(len(groups))]
    return [
        " ".join(name for name, group in zip(names, groups, strict=True) if member in group)
        for member in range(len(order))
    ]


def _split(group: frozenset[int], one: int, other: int) -> list[frozenset[int]]:
    return [group - {one}, group - {other}] if {one, other} <= group else [group]
