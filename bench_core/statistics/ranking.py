"""Ranking of methods: corrected p-values, rank intervals and groups of indistinguishable methods."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray

from bench_core.statistics.compare import Comparison
from bench_core.statistics.margins import MIN_IMAGES

SIGNIFICANCE_LEVEL = 0.05
"""Probability, at most, that a table of equal methods reports any difference."""


@dataclass(frozen=True)
class Ranking:
    """Order of the methods of a comparison."""

    p: Float[ndarray, "methods methods"]
    """p-values, corrected for all pairs of methods; NaN for pairs that cannot differ."""
    best: int
    """Index of the method with the best mean."""
    ranks: Int[ndarray, "methods 2"]
    """Best and worst possible rank of each method; 1 is the best."""
    groups: Sequence[str]
    """Letters of each method's groups. Methods that share a letter are not distinguishable."""

    @property
    def like_best(self) -> Bool[ndarray, " methods"]:
        """Mask of the methods that are not distinguishable from the best, including itself."""
        return ~(self.p[self.best] < SIGNIFICANCE_LEVEL)


def rank(comparison: Comparison, better: Literal["higher", "lower"]) -> Ranking:
    """Rank methods by their significant differences.

    A rank interval starts behind all methods that are significantly better and ends before all that are significantly
    worse (Mogstad, Romano, Shaikh and Wilhelm, Inference for Ranks, 2024).
    """
    count = len(comparison.means)
    first, second = np.triu_indices(count, 1)
    p = np.ones((count, count))
    p[first, second] = p[second, first] = holm(comparison.p[first, second])
    merit = comparison.means if better == "higher" else -comparison.means
    wins = (p < SIGNIFICANCE_LEVEL) & (merit[:, None] > merit)
    ranks = np.stack([1 + wins.sum(0), count - wins.sum(1)], axis=1)
    order = np.argsort(-merit, kind="stable")
    return Ranking(p, int(order[0]), ranks, group_letters(p < SIGNIFICANCE_LEVEL, order))


def holm(p: Float[ndarray, " k"]) -> Float[ndarray, " k"]:
    """Correct p-values for their number (Holm, A simple sequentially rejective multiple test procedure, 1979).

    NaN stays NaN and does not count: such a comparison tests nothing.
    """
    order = np.argsort(p, kind="stable")[: np.count_nonzero(~np.isnan(p))]  # NaN is sorted last
    corrected = np.full_like(p, np.nan)
    corrected[order] = np.maximum.accumulate(p[order] * np.arange(len(order), 0, -1)).clip(max=1)
    return corrected


def images_needed(comparisons: int) -> int:
    """Return the minimum number of images with which one of so many comparisons can be significant."""
    return max(MIN_IMAGES, int(np.log2(comparisons / SIGNIFICANCE_LEVEL)) + 2)  # see `smallest_p`


def group_letters(different: Bool[ndarray, "methods methods"], order: Int[ndarray, " methods"]) -> list[str]:
    """Return each method's letters. Each maximal set of methods without any difference has a letter.

    Group "a" holds the first method of `order`. Beyond z groups are numbered. These letters are those of Piepho (An
    algorithm for a letter-based representation of all-pairwise comparisons, 2004).
    """
    count = len(order)
    place = np.argsort(order)
    alike = [{int(other) for other in np.flatnonzero(~different[one]) if other != one} for one in range(count)]
    groups = sorted(_maximal_groups(set(), set(range(count)), set(), alike), key=lambda group: sorted(place[[*group]]))
    names = [ascii_lowercase[i] if len(groups) <= 26 else f"{i + 1}" for i in range(len(groups))]
    return [
        " ".join(name for name, group in zip(names, groups, strict=True) if member in group) for member in range(count)
    ]


def _maximal_groups(
    group: set[int], candidates: set[int], tried: set[int], alike: Sequence[set[int]]
) -> Iterator[set[int]]:
    """Yield all maximal sets of methods that are all alike (Bron and Kerbosch, 1973).

    Args:
        group: methods of the set so far.
        candidates: methods like all of them that can be added.
        tried: methods like all of them whose sets have been found.
    """
    if not candidates and not tried:
        yield group
        return
    # Every further set has this method or one that is not like it.
    pivot = max(candidates | tried, key=lambda method: len(alike[method] & candidates))
    for method in candidates - alike[pivot]:
        yield from _maximal_groups(group | {method}, candidates & alike[method], tried & alike[method], alike)
        candidates = candidates - {method}
        tried = tried | {method}
