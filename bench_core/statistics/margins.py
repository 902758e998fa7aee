"""Margins of error of few values: how far a mean may lie from the truth, at every significance level.

Student's t is exact for normal values. Few skewed values look less spread than they are, so its margins are too narrow.
They are widened here until simulations with skewed and heavy-tailed values keep their coverage. The constants are
measured by `benchmarks/interval_coverage.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy import ndarray
from scipy.special import stdtrit

MIN_IMAGES = 10
"""Minimum number of photographs for a verdict, and for resampling them."""
FEW_WIDENING = 2.3
"""Widening of Student's margins of fewer than `MIN_IMAGES` photographs or seeds."""
WIDENING = 3.5
"""Widening of other margins is 1 + WIDENING / count, which fades out for many."""
TRAINED_ONCE = 2
"""Spread between trainings of a method that was trained once, relative to that of the method it is compared with."""
RULE_OF_THREE = 3
"""A share of up to 3 / count of all images can be unlike the seen ones (Hanley and Lippman-Hand, JAMA, 1983)."""
LEVELS = 0.05 ** (np.arange(141) / 20)
"""Significance levels at which margins are computed, from 1 to 7e-10. The 95 % interval is exactly one of them."""
INTERVAL = 20
"""Index of the 95 % interval in `LEVELS`."""


def widening(count: int) -> float:
    """Return the factor by which margins of `count` independent values are widened."""
    return FEW_WIDENING if count < MIN_IMAGES else 1 + WIDENING / count


def student(count: int, levels: Float[ndarray, " levels"] = LEVELS) -> Float[ndarray, " levels"]:
    """Return Student's margins of the mean of `count` values, in standard errors, without widening."""
    return -stdtrit(count - 1, levels / 2)


def spread_floor(differences: Float[ndarray, " k"], count: int) -> Float[ndarray, " k"]:
    """Return the smallest credible standard error of a mean difference of `count` photographs.

    Equal differences, such as one grey level each, are no proof that all images differ so. By the rule of three a share
    of 3 / count might not differ at all, and its standard deviation would be |difference| x sqrt(3 / count). With fewer
    than `MIN_IMAGES` photographs this alone keeps zero in the widened interval.
    """
    return np.abs(differences) * np.sqrt(RULE_OF_THREE) / count


def smallest_p(count: int) -> float:
    """Return the smallest p-value that `count` differences can give: that of a sign test in which all agree."""
    return 2.0 ** (1 - count)


@dataclass(frozen=True)
class TrainingMargins:
    """Squared margins due to the choice of training seeds. A further, last column stands for zero, without error."""

    mean: Float[ndarray, "levels methods"]
    """Of the mean over seeds; 0 for a method with one seed."""
    single: Float[ndarray, "levels methods"]
    """Of a single training; 0 for a method with one seed."""
    once: Bool[ndarray, " methods"]
    """True for a method with one seed. Its variance is unknown."""

    @classmethod
    def of(cls, values: Sequence[Float[ndarray, "_ pairs"]]) -> "TrainingMargins":
        """Estimate the margins from the values of each method, (seeds, pairs)."""
        counts = [*(len(each) for each in values), 2]
        single = np.zeros((len(LEVELS), len(counts)))
        for method, each in enumerate(values):
            if (count := len(each)) > 1:
                single[:, method] = (widening(count) * student(count) * each.mean(1).std(ddof=1)) ** 2
        return cls(single / counts, single, np.array(counts) == 1)

    def squared(
        self, first: Int[ndarray, " contrasts"], second: Int[ndarray, " contrasts"]
    ) -> Float[ndarray, "levels contrasts"]:
        """Return the squared margins of differences. A method with one seed borrows the variance of the other."""
        borrowed = self.once[first] * self.single[:, second] + self.once[second] * self.single[:, first]
        return self.mean[:, first] + self.mean[:, second] + TRAINED_ONCE**2 * borrowed
