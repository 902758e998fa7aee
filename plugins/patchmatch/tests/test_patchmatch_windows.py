"""Distances of windows against their definition, written out pixel by pixel."""

import numpy as np
import pytest

from bench_patchmatch.windows import Windows, gradients


def pixel_error(one, other, known_one, known_other, at_one, at_other, with_gradients) -> float:
    """The error e of the module's docstring, in whole levels."""
    height, width, channels = one.shape
    for known, (row, column) in ((known_one, at_one), (known_other, at_other)):
        if not (0 < row < height - 1 and 0 < column < width - 1 and known[row, column]):
            return 1
    squares = [(int(a) - int(b)) ** 2 for a, b in zip(one[at_one], other[at_other], strict=True)]
    if with_gradients:
        for step in ((1, 0), (0, 1)):
            for channel in range(channels):
                slopes = []
                for image, (row, column) in ((one, at_one), (other, at_other)):
                    following = int(image[row + step[0], column + step[1], channel])
                    previous = int(image[row - step[0], column - step[1], channel])
                    slopes.append(following // 2 - previous // 2)
                squares.append((slopes[0] - slopes[1]) ** 2)
    return sum(squares) / (len(squares) * 255**2)


def window_distance(one, other, known_one, known_other, at_one, at_other, radius, with_gradients) -> float:
    offsets = [(down, across) for down in range(-radius, radius + 1) for across in range(-radius, radius + 1)]
    moved = [[(row + down, column + across) for row, column in (at_one, at_other)] for down, across in offsets]
    errors = [pixel_error(one, other, known_one, known_other, a, b, with_gradients) for a, b in moved]
    return float(np.mean(errors))


@pytest.mark.parametrize("with_gradients", [True, False])
@pytest.mark.parametrize(("radius", "channels"), [(1, 3), (3, 3), (2, 1)])
def test_distances_equal_their_definition(radius: int, channels: int, with_gradients: bool, rng):
    one, other = rng.integers(0, 256, (2, 12, 15, channels)).astype(np.uint8)
    known_one, known_other = rng.random((2, 12, 15)) < 0.8
    rows, columns = rng.integers(0, (12, 15), (60, 2)).T
    places = rng.integers(0, (12, 15), (60, 2)).T
    windows = Windows(other.astype(np.float32), known_other, radius, with_gradients)
    queries = Windows(one.astype(np.float32), known_one, radius, with_gradients).queries(rows, columns)
    expected = [
        window_distance(one, other, known_one, known_other, (row, column), place, radius, with_gradients)
        for row, column, place in zip(rows, columns, zip(*places, strict=True), strict=True)
    ]
    np.testing.assert_allclose(windows.distances(queries, *places), expected, atol=1e-5)


def test_distances_of_many_windows_do_not_depend_on_their_blocks(rng):
    windows = Windows(rng.integers(0, 256, (50, 50, 3)).astype(np.float32), rng.random((50, 50)) < 0.9, 3)
    one, other = rng.integers(0, 50, (2, 2, 2500))
    together = windows.distances(windows.queries(*one), *other)
    alone = [windows.distances(windows.queries(*one[:, [at]]), *other[:, [at]])[0] for at in range(2500)]
    np.testing.assert_array_equal(together, np.array(alone))


def test_fact_10_identical_inner_windows_have_distance_0_and_the_border_counts_as_different(rng):
    image = rng.integers(0, 256, (40, 40, 3)).astype(np.float32)
    windows = Windows(image, np.ones((40, 40), bool), 3)
    rows, columns = np.array([20, 4, 3, 0]), np.array([20, 35, 20, 20])
    found = windows.distances(windows.queries(rows, columns), rows, columns)
    # at row 3 the border is the window's first row; at row 0 it is its middle one, and the rows above lie outside
    np.testing.assert_allclose(found, [0, 0, 1 / 7, 4 / 7], atol=1e-6)


def test_gradients_are_differences_of_halved_levels():
    image = np.array([[0, 1, 2], [3, 255, 4], [9, 6, 8]], np.float32)[..., None]
    assert gradients(image)[1, 1].tolist() == [6 // 2 - 1 // 2, 4 // 2 - 3 // 2]
    assert np.count_nonzero(gradients(image)) <= 2
