"""Margins of few photographs and seeds, of equal differences and of rare levels, compared with their formulas."""

import numpy as np
import pytest
from scipy import stats

from bench_core.statistics import bootstrap
from bench_core.statistics.compare import Comparison, compare
from bench_core.statistics.margins import LEVELS


def of(*values: np.ndarray, seed: int = 0, resamples: int = 2000) -> Comparison:
    """Compare methods given their values, (pairs,) or (seeds, pairs)."""
    arrays = [np.atleast_2d(each).astype(float) for each in values]
    return compare(arrays, np.arange(arrays[0].shape[1]), seed, resamples=resamples)


def test_few_photographs_have_students_interval_widened() -> None:
    values = np.array([1.0, 2.0, 4.0, 7.0])
    low, high = stats.t.interval(0.95, 3, values.mean(), 2.3 * values.std(ddof=1) / 2)
    found = of(values)
    assert (found.low[0], found.high[0]) == pytest.approx((low, high))


@pytest.mark.parametrize("count", [2, 3, 5, 6, 9])
def test_fewer_than_ten_photographs_show_no_difference(count: int) -> None:
    rng = np.random.default_rng(count)
    for size in (0, 1e-9, 0.1, 10):
        values = rng.normal(size=count)
        found = of(values, values + 1 / 255 + size * rng.normal(size=count))
        assert found.p[0, 1] >= 0.05
        assert found.differences_low[0, 1] <= 0 <= found.differences_high[0, 1]


@pytest.mark.parametrize("count", [2, 5, 9, 10, 11, 30, 300])
def test_equal_differences_follow_the_rule_of_three(count: int) -> None:
    """All differences are one grey level. Their interval has the spread of a share of 3 / count without difference."""
    values, level = np.random.default_rng(count).random(count), 1 / 255
    found = of(values, values + level)
    widened = stats.t.ppf(0.975, count - 1) * (2.3 if count < 10 else 1 + 3.5 / count)
    half = widened * level * 3**0.5 / count
    ends = (found.differences_low[0, 1], found.differences_high[0, 1])
    assert ends == pytest.approx((-level - half, -level + half))
    assert found.p[0, 1] >= 2.0 ** (1 - count)


def test_p_is_not_below_that_of_a_sign_test() -> None:
    rng = np.random.default_rng(3)
    for count in (12, 14, 16):
        found = of(rng.normal(0, 0.1, count), rng.normal(5, 0.1, count))
        assert found.p[0, 1] == pytest.approx(2.0 ** (1 - count))


def test_p_is_below_5_percent_if_and_only_if_the_interval_excludes_zero() -> None:
    rng, significant = np.random.default_rng(4), 0
    for world in range(150):
        count, trainings = int(rng.integers(2, 40)), rng.integers(1, 4, 4)
        a, b, *others = (
            rng.gamma(1, size=count) + rng.normal(0.5, 0.2) + rng.normal(0, 0.1, (each, 1)) for each in trainings
        )
        found = of(a, b, *others, seed=world, resamples=500)
        excludes = (found.differences_low > 0) | (found.differences_high < 0)
        np.testing.assert_array_equal(found.p < 0.05, excludes)
        significant += excludes.sum()
    assert significant > 30


def test_p_of_a_clear_difference_has_the_tail_of_students_t() -> None:
    """No resample is that far out. The reference is the widened Student's t, which no p is below."""
    values = np.random.default_rng(5).normal(size=40)
    values -= values.mean()
    for distance in (4, 6, 8):
        found = of(values + distance * values.std(ddof=1) / 40**0.5, np.zeros(40), resamples=10_000)
        least = 2 * stats.t.sf(distance / (1 + 3.5 / 40), 39)
        assert least * 0.98 <= found.p[0, 1] <= 20 * least


def test_margins_beyond_the_resamples_grow_as_students_t() -> None:
    """Of 999 resamples 10 lie beyond the level 0.02. Skewed values have a wider margin there."""
    values = np.random.default_rng(6).lognormal(size=(20, 1))
    padded, rng = np.hstack([values, np.zeros((20, 1))]), np.random.default_rng(7)
    below, above = bootstrap.studentised_margins(padded, np.array([0]), np.array([1]), 999, rng)
    tail = LEVELS < 0.02
    for margins in (below[tail, 0], above[tail, 0]):
        growth = stats.t.isf(LEVELS[tail] / 2, 19) / stats.t.isf(0.01, 19)
        np.testing.assert_allclose(margins / growth, margins[0] / growth[0])
    assert (above[tail, 0] > 1.1 * stats.t.isf(LEVELS[tail] / 2, 19)).all()


def test_margins_of_seeds_are_students_and_add_up_in_squares() -> None:
    """All images are equal, so only trainings differ."""
    a, b = np.array([1.0, 1.3, 1.1]), np.array([2.0, 2.4, 2.1, 1.7])
    found = of(np.repeat(a[:, None], 3000, 1), np.repeat(b[:, None], 3000, 1))
    margins = [2.3 * stats.t.ppf(0.975, len(each) - 1) * each.std(ddof=1) / len(each) ** 0.5 for each in (a, b)]
    assert (found.low[0], found.high[0]) == pytest.approx((a.mean() - margins[0], a.mean() + margins[0]))
    ends, both = (found.differences_low[0, 1], found.differences_high[0, 1]), np.hypot(*margins)
    assert ends == pytest.approx((a.mean() - b.mean() - both, a.mean() - b.mean() + both), rel=1e-4)


def test_a_method_trained_once_borrows_the_variance_of_the_other() -> None:
    """It is assumed to vary twice as much. A method that is repeated, since it is not trained, borrows nothing."""
    a, b = np.repeat(np.array([[1.0], [1.3], [1.1]]), 3000, 1), np.full((1, 3000), 2.0)
    single = 2.3 * stats.t.ppf(0.975, 2) * a[:, 0].std(ddof=1)
    for values, squares in ((b, 1 / 3 + 2**2), (np.repeat(b, 3, axis=0), 1 / 3)):
        for found, sign in ((of(a, values), 1), (of(values, a), -1)):
            half = (found.differences_high - found.differences_low)[0, 1] / 2
            assert half == pytest.approx(single * squares**0.5, rel=1e-3)
            assert found.differences[0, 1] == pytest.approx(sign * (a.mean() - 2))
        assert of(a, values).low[1] == pytest.approx(2)
