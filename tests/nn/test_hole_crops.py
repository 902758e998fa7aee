"""Crops lie around their holes and inside the image."""

import torch
from torch import Tensor

from bench_core.nn.hole_crops import centred_corners, crop, fitting_corners

HEIGHT, WIDTH = 16, 32
FITTING = [((4, 11, 8, 23), [4, 8]), ((6, 9, 12, 15), [4, 6]), ((6, 8, 13, 13), [3, 5])]
"""Boxes (top, bottom, left, right), ends included, and corners of their 8 x 16 crops: equal size, smaller, odd."""
AT_THE_BORDER = [
    ((0, 1, 0, 1), [0, 0]),
    ((13, 15, 30, 31), [8, 16]),
    ((0, 0, 16, 31), [0, 16]),
    ((15, 15, 0, 0), [8, 0]),
]
TOO_LARGE = [((0, 15, 0, 31), [4, 8]), ((0, 11, 10, 31), [2, 13])]


def holes(*boxes: tuple[int, int, int, int]) -> Tensor:
    """Draw the outline of each box into an image of its own."""
    hole = torch.zeros(len(boxes), 1, HEIGHT, WIDTH)
    for one, (top, bottom, left, right) in zip(hole, boxes, strict=True):
        one[:, [top, bottom], left : right + 1] = 1
        one[:, top : bottom + 1, [left, right]] = 1
    return hole


def test_a_crop_is_centred_on_its_hole_and_stays_in_the_image():
    boxes, corners = zip(*FITTING, *AT_THE_BORDER, strict=True)
    for rule in (centred_corners, fitting_corners):
        assert rule(holes(*boxes)).tolist() == list(corners)


def test_a_hole_larger_than_its_crop_is_cropped_at_its_centre():
    boxes, corners = zip(*TOO_LARGE, strict=True)
    assert centred_corners(holes(*boxes)).tolist() == list(corners)


def test_without_a_hole_the_centred_crop_is_the_middle_of_the_image():
    assert centred_corners(torch.zeros(1, 1, HEIGHT, WIDTH)).tolist() == [[4, 8]]


def test_a_hole_that_fits_always_gets_the_same_crop():
    given = holes((5, 7, 5, 7))
    assert len({tuple(fitting_corners(given)[0].tolist()) for _ in range(20)}) == 1


def test_a_hole_that_does_not_fit_gets_a_random_crop():
    torch.manual_seed(0)
    for box in ((3, 11, 8, 23), (4, 11, 8, 24)):  # one pixel too high, one too wide
        drawn = torch.cat([fitting_corners(holes(*[box] * 50)) for _ in range(40)])
        assert sorted(drawn[:, 0].unique().tolist()) == list(range(9))
        assert sorted(drawn[:, 1].unique().tolist()) == list(range(17))
        assert drawn.float().mean(0).sub(torch.tensor([4.0, 8.0])).abs().max() < 0.4


def test_without_a_hole_the_fitting_crop_is_random():
    assert len(fitting_corners(torch.zeros(60, 1, HEIGHT, WIDTH)).unique(dim=0)) > 20


def test_the_same_seed_draws_the_same_crops():
    torch.manual_seed(3)
    first = fitting_corners(torch.ones(4, 1, 32, 32))
    torch.manual_seed(3)
    assert torch.equal(fitting_corners(torch.ones(4, 1, 32, 32)), first)


def test_later_draws_do_not_depend_on_the_holes():
    after = []
    for hole in (torch.ones(2, 1, HEIGHT, WIDTH), holes((5, 7, 5, 7), (5, 7, 5, 7))):
        torch.manual_seed(3)
        fitting_corners(hole)
        after.append(torch.rand(1))
    assert torch.equal(*after)


def test_each_image_is_cropped_to_half_of_each_side_at_its_own_corner():
    image = torch.arange(2 * 3 * 4 * 8.0).view(2, 3, 4, 8)
    found = crop(image, torch.tensor([[0, 0], [2, 4]]))
    assert torch.equal(found, torch.stack([image[0, :, :2, :4], image[1, :, 2:, 4:]]))
