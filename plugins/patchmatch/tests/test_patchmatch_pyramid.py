"""Levels of the pyramid against their definition, written out pixel by pixel."""

import numpy as np
import pytest

from bench_patchmatch.pyramid import Level, enlarged, pyramid

WEIGHTS = (1, 5, 10, 10, 5, 1)


@pytest.mark.parametrize("size", [(12, 16), (13, 11)])
def test_a_pixel_averages_the_known_ones_of_36(size: tuple[int, int], rng):
    image, known = rng.integers(0, 256, (*size, 3)), rng.random(size) < 0.15
    known[:8, 2:10] = False
    half = Level.filled(image, known).halved()
    assert half.known.shape == (size[0] // 2, size[1] // 2)
    assert not half.known.all()
    for row, column in np.ndindex(half.known.shape):
        total, colors = 0, np.zeros(3, int)
        for down, across in np.ndindex(6, 6):
            place = 2 * row + down - 2, 2 * column + across - 2
            if 0 <= place[0] < size[0] and 0 <= place[1] < size[1] and known[place]:
                weight = WEIGHTS[down] * WEIGHTS[across]
                total, colors = total + weight, colors + weight * image[place]
        assert half.known[row, column] == (total > 0)
        if total:
            assert half.image[row, column].tolist() == (colors // total).tolist()


def test_unknown_pixels_hold_the_nearest_known_colour_and_never_their_own():
    image, known = np.arange(25).reshape(5, 5, 1), np.ones((5, 5), bool)
    known[2, :4] = False
    filled = Level.filled(image, known).image[..., 0]
    assert (filled[known] == image[..., 0][known]).all()
    assert filled[2, 0] in (5, 15) and filled[2, 3] in (8, 14, 18)


def test_levels_end_where_no_hole_is_left_or_the_image_is_small():
    known = np.ones((256, 256), bool)
    image = np.zeros((256, 256, 3), np.uint8)
    assert len(pyramid(image, known)) == 1
    known[100:103, 100:103] = False  # smaller than the 36 pixels of an average
    assert [level.known.all() for level in pyramid(image, known)] == [False, True]
    known[:, 1:] = False
    assert [level.known.shape[0] for level in pyramid(image, known)] == [256, 128, 64, 32, 16, 8]


def test_enlarging_repeats_the_nearest_pixel():
    small = np.arange(6).reshape(2, 3, 1)
    assert enlarged(small, (4, 6))[..., 0].tolist() == np.kron(small[..., 0], np.ones((2, 2))).tolist()
    assert enlarged(small, (5, 7))[:, 0, 0].tolist() == [0, 0, 0, 3, 3]
