"""Where the discriminator's local branch looks."""

import torch

from bench_dmfn.crops import corners, crop


def holes(*boxes: tuple[int, int, int, int], height: int = 16, width: int = 32) -> torch.Tensor:
    """One image per box (top, bottom, left, right), ends included."""
    hole = torch.zeros(len(boxes), 1, height, width)
    for one, (top, bottom, left, right) in zip(hole, boxes, strict=True):
        one[:, [top, bottom], left : right + 1] = 1
        one[:, top : bottom + 1, [left, right]] = 1
    return hole


def test_a_window_is_centred_on_its_hole():
    given = holes((4, 11, 8, 23), (6, 9, 12, 15), (6, 8, 13, 13))  # as large as the window, smaller, odd
    assert corners(given).tolist() == [[4, 8], [4, 6], [3, 5]]


def test_a_window_stays_in_the_image_and_still_holds_the_hole():
    given = holes((0, 1, 0, 1), (13, 15, 30, 31), (0, 0, 16, 31), (15, 15, 0, 0))
    assert corners(given).tolist() == [[0, 0], [8, 16], [0, 16], [8, 0]]


def test_a_hole_that_fits_draws_the_same_window_every_time():
    given = holes((5, 7, 5, 7))
    assert len({tuple(corners(given)[0].tolist()) for _ in range(20)}) == 1


def test_a_hole_that_does_not_fit_draws_its_window_anywhere():
    torch.manual_seed(0)
    for box in ((3, 11, 8, 23), (4, 11, 8, 24)):  # one pixel too high, one too wide
        drawn = torch.cat([corners(holes(*[box] * 50)) for _ in range(40)])
        assert sorted(drawn[:, 0].unique().tolist()) == list(range(9))
        assert sorted(drawn[:, 1].unique().tolist()) == list(range(17))
        assert drawn.float().mean(0).sub(torch.tensor([4.0, 8.0])).abs().max() < 0.4


def test_where_nothing_is_missing_the_window_is_anywhere():
    drawn = corners(torch.zeros(60, 1, 16, 32))
    assert len(drawn.unique(dim=0)) > 20


def test_the_same_seed_draws_the_same_windows():
    torch.manual_seed(3)
    first = corners(torch.ones(4, 1, 32, 32))
    torch.manual_seed(3)
    assert torch.equal(corners(torch.ones(4, 1, 32, 32)), first)


def test_what_is_drawn_next_does_not_depend_on_the_holes():
    after = []
    for hole in (torch.ones(2, 1, 16, 32), holes((5, 7, 5, 7), (5, 7, 5, 7))):
        torch.manual_seed(3)
        corners(hole)
        after.append(torch.rand(1))
    assert torch.equal(*after)


def test_a_crop_shows_half_of_each_side():
    image = torch.arange(2 * 4 * 8.0).view(2, 1, 4, 8)
    shown = crop(image, torch.tensor([[0, 0], [2, 4]]))
    assert torch.equal(shown, torch.stack([image[0, :, :2, :4], image[1, :, 2:, 4:]]))
