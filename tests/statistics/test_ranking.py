"""Corrected p-values, ranks and groups, compared with results worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench_core.statistics.compare import Comparison, compare
from bench_core.statistics.ranking import group_letters, holm, images_needed, rank


def comparison(means: list[float], p: dict[tuple[int, int], float]) -> Comparison:
    """Build a comparison with the given p-values, and 1 for all other pairs."""
    values, full = np.array(means), np.ones((len(means), len(means)))
    for (a, b), value in p.items():
        full[a, b] = full[b, a] = value
    zeros = np.zeros_like(full)
    return Comparison(values, values, values, values[:, None] - values, zeros, zeros, full)


def test_holm_is_the_published_procedure() -> None:
    """Sorted, they are 4 x 0.005, 3 x 0.01, 2 x 0.03, then 0.04, which is raised to the one before."""
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([0.5, 0.9])), [1.0, 1.0])
    assert len(holm(np.array([]))) == 0


def test_holm_does_not_count_comparisons_that_cannot_differ() -> None:
    """NaN stands for equal values. Two comparisons are left: 2 x 0.02, then 0.04."""
    corrected = holm(np.array([np.nan, 0.02, np.nan, 0.04]))
    np.testing.assert_allclose(corrected, [np.nan, 0.04, np.nan, 0.04])
    assert np.isnan(holm(np.array([np.nan]))).all()


def test_copies_of_a_method_do_not_weaken_the_others() -> None:
    values = np.random.default_rng(2).normal(size=(2, 1, 30)) + np.array([0, 1.0])[:, None, None]
    others = [*values, values[0], values[0]]
    found = rank(compare(others, np.arange(30)), "higher")
    alone = compare([*values], np.arange(30)).p[0, 1]
    assert found.p[0, 1] == pytest.approx(3 * alone)  # of six comparisons three have equal values
    assert list(found.groups) == ["b", "a", "b", "b"]
    assert rank(compare([values[1], values[1]], np.arange(30)), "higher").like_best.all()


@pytest.mark.parametrize(("comparisons", "needed"), [(1, 10), (21, 10), (28, 11), (780, 15), (4950, 18)])
def test_images_needed_is_the_first_number_with_a_possible_verdict(comparisons: int, needed: int) -> None:
    """A sign test in which all images agree has p = 2 / 2^n."""
    assert images_needed(comparisons) == needed
    assert comparisons * 2.0 ** (1 - needed) < 0.05
    assert needed == 10 or comparisons * 2.0 ** (2 - needed) >= 0.05


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_agrees_with_its_step_down_rule(p: list[float]) -> None:
    """The rule rejects in order of p while p <= level / (number left)."""
    rejected = set()
    for step, index in enumerate(sorted(range(len(p)), key=lambda i: p[i])):
        if p[index] * (len(p) - step) > 0.05:
            break
        rejected.add(index)
    assert {i for i, corrected in enumerate(holm(np.array(p))) if corrected <= 0.05} == rejected


def test_rank_intervals_contain_every_rank_that_the_differences_allow() -> None:
    """0 beats 2 and 3, 1 beats 3 only: 0 may be first or second, 1 not last, 2 not first, 3 third or last."""
    found = rank(comparison([1.0, 2.0, 3.0, 4.0], {(0, 2): 0.001, (0, 3): 0.001, (1, 3): 0.001}), "lower")
    assert found.best == 0
    assert found.ranks.tolist() == [[1, 2], [1, 3], [2, 4], [3, 4]]
    assert list(found.groups) == ["a", "a b", "b c", "c"]
    assert found.like_best.tolist() == [True, True, False, False]


def test_the_order_is_reversed_if_higher_is_better() -> None:
    found = rank(comparison([1.0, 2.0, 3.0], {(0, 2): 0.001}), "higher")
    assert (found.best, found.ranks.tolist()) == (2, [[2, 3], [1, 3], [1, 2]])
    assert list(found.groups) == ["b", "a b", "a"]


def test_ranks_use_corrected_p_values() -> None:
    """With three comparisons 0.02 becomes 0.06."""
    found = rank(comparison([1.0, 2.0, 3.0], {(0, 1): 0.02}), "lower")
    assert found.p[0, 1] == pytest.approx(0.06)
    assert found.ranks.tolist() == [[1, 3]] * 3
    assert list(found.groups) == ["a"] * 3


def test_a_single_method_is_first_and_last() -> None:
    found = rank(comparison([1.0], {}), "lower")
    assert (found.ranks.tolist(), list(found.groups)) == ([[1, 1]], ["a"])


@settings(max_examples=60)
@given(st.integers(2, 7).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_methods_share_a_letter_if_and_only_if_they_are_not_different(drawn: tuple[int, set]) -> None:
    count, pairs = drawn
    different = np.zeros((count, count), bool)
    for a, b in pairs:
        if a != b:
            different[a, b] = different[b, a] = True
    groups = [set(text.split()) for text in group_letters(different, np.arange(count))]
    for a in range(count):
        for b in range(count):
            assert bool(groups[a] & groups[b]) == (a == b or not different[a, b])
    assert "a" in groups[0]
    members = [{a for a in range(count) if letter in groups[a]} for letter in set.union(*groups)]
    assert not any(one < other for one in members for other in members)


def test_beyond_the_alphabet_groups_are_numbered() -> None:
    different = ~np.eye(30, dtype=bool)
    assert group_letters(different, np.arange(30)) == [str(number) for number in range(1, 31)]


def test_a_table_of_equal_methods_reports_a_difference_in_at_most_5_percent() -> None:
    """Six methods of one distribution make 15 comparisons. Uncorrected, each would be wrong in 5 percent of worlds."""
    rng, wrong = np.random.default_rng(3), 0
    for world in range(200):
        difficulty = rng.gamma(2, size=60)
        values = [(difficulty + 0.3 * rng.gamma(2, size=60))[None] for _ in range(6)]
        found = rank(compare(values, np.arange(60), world, resamples=2000), "lower")
        wrong += len(set(found.groups)) > 1
    assert wrong <= 0.05 * 200
