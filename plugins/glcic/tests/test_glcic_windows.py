"""Where the local discriminator looks."""

import torch

from bench_glcic.windows import around

PLACES = (1000 * torch.arange(16.0).view(-1, 1) + torch.arange(32.0)).view(1, 1, 16, 32)
"""Every pixel tells its row and column."""


def corner(top: int, bottom: int, left: int, right: int) -> list[int]:
    """Of the window around a box whose ends are included."""
    hole = torch.zeros(1, 1, 16, 32)
    hole[..., [top, bottom], left : right + 1] = 1
    hole[..., top : bottom + 1, [left, right]] = 1
    patch = around(hole, PLACES)
    assert patch.shape == (1, 1, 8, 16)
    top, left = divmod(int(patch[0, 0, 0, 0]), 1000)
    assert torch.equal(patch, PLACES[..., top : top + 8, left : left + 16])
    return [top, left]


def test_a_window_is_centred_on_its_hole():
    assert [corner(4, 11, 8, 23), corner(6, 9, 12, 15), corner(6, 8, 13, 13)] == [[4, 8], [4, 6], [3, 5]]


def test_a_window_stays_in_the_image():
    assert [corner(0, 1, 0, 1), corner(13, 15, 30, 31), corner(0, 0, 16, 31)] == [[0, 0], [8, 16], [0, 16]]


def test_a_hole_that_is_larger_than_its_window_is_seen_at_its_centre():
    assert [corner(0, 15, 0, 31), corner(0, 11, 10, 31)] == [[4, 8], [2, 13]]


def test_where_nothing_is_missing_the_window_is_the_centre():
    assert torch.equal(around(torch.zeros(1, 1, 16, 32), PLACES), PLACES[..., 4:12, 8:24])


def test_every_image_has_a_window_of_its_own():
    hole = torch.zeros(2, 1, 16, 32)
    hole[0, :, 0, 0] = hole[1, :, 15, 31] = 1
    patch = around(hole, PLACES.expand(2, 2, -1, -1))
    assert torch.equal(patch[0, 1], PLACES[0, 0, :8, :16]) and torch.equal(patch[1, 0], PLACES[0, 0, 8:, 16:])
