"""Votes against a loop over all pairs of pixels."""

import numpy as np
import pytest

from bench_patchmatch.field import Field
from bench_patchmatch.pyramid import Level
from bench_patchmatch.voting import adaptive_weights, fixed_weights, vote


def votes_by_pixel(field: Field, weights: np.ndarray, source: Level, target: np.ndarray, radius: int, factor: int):
    """Let every window vote for the pixels of its pairs, one after the other."""
    height, width = source.known.shape
    sums, totals = np.zeros(target.shape), np.zeros((height, width))
    offsets = range(-factor * radius, factor * (radius + 1))
    for window, match, weight in zip(factor * field.windows, factor * field.matches, weights, strict=True):
        for down in offsets:
            for across in offsets:
                to, origin = np.add(window, (down, across)), np.add(match, (down, across))
                inside = all(0 <= at[0] < height and 0 <= at[1] < width for at in (to, origin))
                if inside and source.known[tuple(origin)] and not source.known[tuple(to)]:
                    sums[tuple(to)] += weight * source.image[tuple(origin)]
                    totals[tuple(to)] += weight
    voted = totals > 0
    result = target.copy()
    result[voted] = np.round(sums[voted] / totals[voted, None])
    return result


@pytest.mark.parametrize(("factor", "odd"), [(1, 0), (2, 0), (2, 1)])
def test_pixels_are_the_weighted_means_of_their_votes(factor: int, odd: int, rng):
    size = (11, 9)
    touched = rng.random(size) < 0.6
    field = Field(touched, None, rng)
    weights = np.where(rng.random(len(field.windows)) < 0.8, rng.random(len(field.windows)), 0)
    fine = (factor * size[0] + odd, factor * size[1] + odd)
    known = rng.random(fine) < 0.5
    known[-1:] = known[:, -1:] = True  # only an odd side has pixels outside of its windows' blocks
    source = Level(rng.integers(0, 256, (*fine, 3)).astype(np.float32), known)
    target = rng.integers(0, 256, (*fine, 3)).astype(np.float32)
    found = vote(field, weights, source, target, 2)
    expected = votes_by_pixel(field, weights, source, target, 2, factor)
    assert (found != target).any()
    np.testing.assert_allclose(found, expected, atol=1 if odd else 0)
    assert np.mean(found != expected) < 0.005


def test_a_pixel_without_votes_keeps_its_value(rng):
    field = Field(np.ones((8, 8), bool), None, rng)
    source = Level(np.zeros((8, 8, 1), np.float32), np.zeros((8, 8), bool))
    target = rng.random((8, 8, 1))
    assert (vote(field, np.ones(64), source, target, 1) == target).all()


def test_fixed_weights_fall_from_1_to_0_at_a_tenth_of_the_largest_distance():
    distances = np.array([0, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.5, 1])
    expected = [1, 0.995, 0.99, 0.96, 0.83, 0.38, 0.11, 0.02, 0.005, 0.0006, 0.0001, 0, 0, 0]
    np.testing.assert_allclose(fixed_weights(distances, distances), expected, atol=1e-12)


def test_adaptive_weights_compare_with_the_75th_percentile_and_fall_with_depth():
    distances, depths = np.array([0, 0.1, 0.2, 0.3, 0.4]), np.array([0, 0, 0, 1, 2])
    expected = np.exp(-distances / (2 * 0.3)) / [1, 1, 1, 1.3, 1.69]
    np.testing.assert_allclose(adaptive_weights(distances, depths), expected)
    assert np.isfinite(adaptive_weights(np.zeros(3), np.zeros(3))).all()
