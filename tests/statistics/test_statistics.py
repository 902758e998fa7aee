"""Intervals and paired differences, on simulated data with known means and compared with scipy."""

import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import stats

from bench_core.statistics import bootstrap
from bench_core.statistics import compare as compare_module
from bench_core.statistics.compare import Comparison, compare

Draw = Callable[[np.random.Generator, int], np.ndarray]
SKEWED: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, n: rng.normal(3, 1, n), 3.0),
    "gamma": (lambda rng, n: rng.gamma(2, size=n), 2.0),
    "lognormal": (lambda rng, n: rng.lognormal(0, 0.75, n), float(np.exp(0.75**2 / 2))),
}


def of(*values: np.ndarray, seed: int = 0, resamples: int = 2000, photographs: np.ndarray | None = None) -> Comparison:
    """Compare methods given their values, (pairs,) or (seeds, pairs)."""
    arrays = [np.atleast_2d(each).astype(float) for each in values]
    names = np.arange(arrays[0].shape[1]) if photographs is None else photographs
    return compare(arrays, names, seed, resamples=resamples)


def covers(low: float, high: float, expected: float) -> bool:
    return bool(low <= expected <= high)


@pytest.mark.parametrize("count", [50, pytest.param(200, marks=pytest.mark.long)])
@pytest.mark.parametrize("kind", SKEWED)
def test_intervals_of_means_have_93_to_98_percent_coverage(kind: str, count: int) -> None:
    draw, expected = SKEWED[kind]
    rng, hits = np.random.default_rng(7), []
    for world in range(1000):
        found = of(draw(rng, count), seed=world, resamples=1000)
        hits.append(covers(found.low[0], found.high[0], expected))
    assert 0.93 <= np.mean(hits) <= 0.98


def test_intervals_of_paired_differences_have_93_to_98_percent_coverage() -> None:
    rng, hits = np.random.default_rng(8), []
    for world in range(1000):
        difficulty = rng.gamma(2, size=80)
        a, b = difficulty + 0.2 * rng.gamma(2, size=80), 0.9 * difficulty + 0.2 * rng.gamma(2, size=80)
        found = of(a, b, seed=world, resamples=1000)
        hits.append(covers(found.differences_low[0, 1], found.differences_high[0, 1], 0.2))
    assert 0.93 <= np.mean(hits) <= 0.98


def test_two_copies_of_a_method_differ_in_at_most_5_percent() -> None:
    """Compare two methods of one distribution 200 times, on the same images with independent noise."""
    rng, significant = np.random.default_rng(10), 0
    for world in range(200):
        difficulty = rng.gamma(2, size=60)
        a, b = (difficulty + 0.3 * rng.gamma(2, size=60) for _ in range(2))
        significant += of(a, b, seed=world).p[0, 1] < 0.05
    assert significant <= 0.05 * 200


def test_a_method_cannot_differ_from_itself() -> None:
    values = np.random.default_rng(0).gamma(2, size=(3, 40))
    found = of(values, values, values.mean(0))
    assert np.isnan(found.p[~np.eye(3, dtype=bool)]).all()
    assert found.differences_low[0, 1] <= 0 <= found.differences_high[0, 1]


def test_equal_methods_without_training_error_have_no_interval() -> None:
    values = np.random.default_rng(0).gamma(2, size=40)
    found = of(values, values)
    assert found.differences_low[0, 1] == found.differences_high[0, 1] == 0


def test_pairing_finds_a_small_difference_that_an_unpaired_test_misses() -> None:
    rng = np.random.default_rng(11)
    difficulty = rng.normal(25, 4, 100)
    a, b = difficulty + 0.2 + rng.normal(0, 0.3, 100), difficulty + rng.normal(0, 0.3, 100)
    found = of(a, b)
    _, unpaired = stats.ttest_ind(a, b)
    assert unpaired > 0.5  # type: ignore[operator]
    assert found.p[0, 1] < 0.01
    assert 0 < found.differences_low[0, 1] < 0.2 < found.differences_high[0, 1] < 0.4


def test_the_interval_agrees_with_scipys_bca_for_many_images() -> None:
    values = np.random.default_rng(12).gamma(2, size=400)
    found = of(values, resamples=20_000)
    reference = stats.bootstrap((values,), np.mean, n_resamples=20_000).confidence_interval
    assert found.means[0] == pytest.approx(values.mean())
    width = reference.high - reference.low
    assert found.low[0] == pytest.approx(reference.low, abs=0.06 * width)
    assert found.high[0] == pytest.approx(reference.high, abs=0.06 * width)


def test_the_interval_is_the_bootstrap_t_of_the_textbook() -> None:
    """Compute it resample by resample, as in Efron and Tibshirani. It is not narrower than Student's, and widened."""
    values, rng = np.random.default_rng(13).lognormal(size=30), np.random.default_rng(14)
    drawn = values[rng.integers(30, size=(40_000, 30))]
    ratios = (drawn.mean(1) - values.mean()) / (drawn.std(1, ddof=1) / 30**0.5)
    least = stats.t.ppf(0.975, 29)
    below, above = max(np.quantile(ratios, 0.975), least), max(-np.quantile(ratios, 0.025), least)
    error = values.std(ddof=1) / 30**0.5 * (1 + 3.5 / 30)
    low, high = values.mean() - below * error, values.mean() + above * error
    assert above > 1.2 * least
    found = of(values, resamples=40_000)
    assert (found.low[0], found.high[0]) == pytest.approx((low, high), abs=0.04 * (high - low))


def test_p_and_interval_of_normal_differences_agree_with_students_test() -> None:
    rng = np.random.default_rng(15)
    a, b = rng.normal(0.2, 1, 300), rng.normal(0, 1, 300)
    found, reference = of(a, b, resamples=40_000), stats.ttest_rel(a, b)
    assert found.p[0, 1] == pytest.approx(reference.pvalue, abs=0.01)
    ends = reference.confidence_interval()
    assert found.differences_low[0, 1] == pytest.approx(ends.low, abs=0.02)
    assert found.differences_high[0, 1] == pytest.approx(ends.high, abs=0.02)


def test_threads_get_the_same_numbers_as_a_single_thread() -> None:
    """Old versions of scipy computed other quantiles of Student's t in threads."""
    values = [np.random.default_rng(count).normal(size=(2, 1, count)) for count in range(2, 9)] * 3
    with ThreadPoolExecutor(4) as threads:
        at_once = threads.map(lambda each: compare([*each], np.arange(each.shape[2])).low, values)
        in_turn = [compare([*each], np.arange(each.shape[2])).low for each in values]
        np.testing.assert_array_equal(list(at_once), in_turn)


def test_a_single_seed_adds_no_training_error() -> None:
    values = np.random.default_rng(16).normal(size=(1, 50))
    thrice = of(values, np.repeat(values, 3, axis=0))
    assert (thrice.low[0], thrice.high[0]) == pytest.approx((thrice.low[1], thrice.high[1]), rel=1e-12)


def test_crops_of_a_photograph_are_not_independent() -> None:
    """Four equal crops of each photograph hold no more information than one."""
    values = np.random.default_rng(17).gamma(2, size=50)
    alone = of(values)
    crops = of(np.repeat(values, 4), photographs=np.repeat(np.arange(50), 4))
    naive = of(np.repeat(values, 4))
    assert (crops.low[0], crops.high[0]) == pytest.approx((alone.low[0], alone.high[0]))
    assert naive.high[0] - naive.low[0] < 0.6 * (alone.high[0] - alone.low[0])


def test_photographs_are_weighted_by_their_number_of_crops() -> None:
    """Compare with the formula for cluster samples, the error of a ratio of sums."""
    rng = np.random.default_rng(18)
    photographs = np.repeat(np.arange(200), rng.integers(1, 6, 200))
    values = rng.normal(size=200)[photographs] + rng.normal(0, 0.2, len(photographs))
    found, mean = of(values, photographs=photographs), values.mean()
    sums = np.bincount(photographs, values - mean)
    error = np.sqrt(200 / 199 * (sums**2).sum()) / len(values)
    assert found.means[0] == pytest.approx(mean)
    assert found.high[0] - found.low[0] == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_differences_are_antisymmetric() -> None:
    rng = np.random.default_rng(19)
    found = of(*(rng.normal(shift, 1, 60) for shift in (0, 1, 2)))
    np.testing.assert_allclose(found.differences, found.means[:, None] - found.means)
    np.testing.assert_allclose(found.differences_low, -found.differences_high.T)
    np.testing.assert_array_equal(found.p, found.p.T)
    off = ~np.eye(3, dtype=bool)
    assert (found.differences_low < found.differences)[off].all()
    assert (found.differences < found.differences_high)[off].all()


def test_the_same_seed_gives_the_same_numbers_and_another_does_not() -> None:
    values = np.random.default_rng(20).gamma(2, size=50)
    assert of(values, seed=1).high[0] == of(values, seed=1).high[0] != of(values, seed=2).high[0]


def test_a_further_method_changes_no_interval() -> None:
    a, b, c = np.random.default_rng(21).gamma(2, size=(3, 50))
    two, three = of(a, b), of(a, b, c)
    assert (two.low[1], two.p[0, 1]) == (three.low[1], three.p[0, 1])


def test_resamples_without_spread_give_finite_intervals() -> None:
    values = np.zeros(30)
    values[3] = 1.0
    found = of(values)
    assert found.low[0] <= 0 < values.mean() < found.high[0] < 0.5


def test_the_chunk_size_changes_only_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(22).gamma(2, size=400)
    whole = of(values)
    monkeypatch.setattr(bootstrap, "CHUNK_SIZE", 4000)
    chunked = of(values)
    assert chunked.low[0] == pytest.approx(whole.low[0], abs=0.02)


def test_clear_differences_of_many_methods_survive_holms_correction() -> None:
    rng = np.random.default_rng(23)
    methods = [rng.normal(place, 0.1, 40) for place in range(60)]
    found = of(*methods)
    assert found.p[0, 59] * 60 * 59 / 2 < 0.05


def test_blocks_of_contrasts_bound_the_memory_and_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    methods = [*np.random.default_rng(24).gamma(2, size=(40, 12))]
    whole = of(*methods)
    monkeypatch.setattr(compare_module, "BLOCK_SIZE", 50 * 2000)
    tracemalloc.start()
    blocks = of(*methods)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_allclose(blocks.differences_low, whole.differences_low, rtol=1e-5)
    np.testing.assert_allclose(blocks.p, whole.p, rtol=1e-4)
    assert peak < 820 * 2000 * 4, "errors of all contrasts in 32 bits"
