"""Tests of LaMa's holes against the published parameters and independently measured statistics."""

import math
from typing import Any

import cv2
import numpy as np
import pytest
from support.mask_sets import FAMILIES

from bench_core.errors import BadInput
from bench_core.masks.mask_set import MaskSet, open_sets
from bench_core.protocol import load
from bench_reports import PUBLISHED_FOLDER

SIZES = {"lama-celeba-hq-256": 256, "lama-places2-512": 512}
PUBLISHED = {
    (256, "narrow"): (4, 50, 40, 10, None),
    (256, "medium"): (4, 5, 100, 50, (0, 10, 50, 5)),
    (256, "wide"): (1, 5, 200, 100, (10, 30, 150, 3)),
    (512, "narrow"): (4, 70, 100, 20, None),
    (512, "medium"): (4, 10, 200, 100, (0, 30, 150, 5)),
    (512, "wide"): (1, 5, 450, 250, (10, 30, 300, 4)),
}
"""The published arguments: min and max number of chains, their length and width; margin, sides and number of boxes."""


def open_mask_sets(protocol: str, **parameters: Any) -> dict[str, MaskSet]:
    masks = load(str(PUBLISHED_FOLDER / "protocols" / f"{protocol}.toml")).masks
    changed = {name: mask.model_copy(update=parameters) for name, mask in masks.items()}
    return open_sets(changed, FAMILIES)


def ratios(mask_set: MaskSet, size: int, num_holes: int = 600) -> list[float]:
    return [float(mask_set.draw(size, key).mean()) for key in range(num_holes)]


@pytest.mark.parametrize("protocol", SIZES)
def test_the_presets_follow_the_published_arguments(protocol: str) -> None:
    """The published code draws numbers below their bound, and one chain more than its argument."""
    for name, mask_set in open_mask_sets(protocol).items():
        if name == "large":
            continue
        fewest, most, length, width, box = PUBLISHED[SIZES[protocol], name]
        given = mask_set.parameters
        assert given["canvas"] == SIZES[protocol]
        assert given["strokes"] == (fewest, most + 1)
        assert (given["length"], given["thickness"]) == ((10, 9 + length), (5, 4 + width))
        assert given["segments"] == (1, 5)
        assert given["box_weight"] == (0.3 if box else 0)
        if box:
            margin, *sides, count = box
            assert (given["margin"], given["box_side"], given["boxes"]) == (margin, tuple(sides), (1, count))


def test_training_holes_have_equally_many_boxes_and_chains_of_any_area() -> None:
    for protocol in SIZES:
        large = open_mask_sets(protocol)["large"].parameters
        assert (large["box_weight"], large["hole_ratio"], large["canvas"]) == (1, (0, 1), 256)
        assert (large["strokes"], large["length"], large["thickness"]) == ((1, 6), (10, 209), (5, 104))
        assert (large["boxes"], large["box_side"], large["margin"]) == ((1, 4), (30, 150), 10)


@pytest.mark.parametrize(
    ("protocol", "name", "unbounded_mean", "bounded_mean"),
    [
        ("lama-celeba-hq-256", "narrow", 0.299, 0.290),
        ("lama-celeba-hq-256", "medium", 0.246, 0.244),
        ("lama-celeba-hq-256", "wide", 0.402, 0.271),
        ("lama-celeba-hq-256", "large", 0.343, None),
        ("lama-places2-512", "narrow", 0.294, 0.287),
        ("lama-places2-512", "medium", 0.310, 0.275),
        ("lama-places2-512", "wide", 0.462, 0.264),
    ],
)
def test_mean_hole_ratios_equal_those_of_the_published_code(
    protocol: str, name: str, unbounded_mean: float, bounded_mean: float | None
) -> None:
    """The means are of holes that another program drew, before and after those above 0.5 were removed."""
    size = SIZES[protocol]
    unbounded = ratios(open_mask_sets(protocol, hole_ratio=[0, 1])[name], size)
    assert np.mean(unbounded) == pytest.approx(unbounded_mean, abs=0.03)
    if bounded_mean is not None:
        bounded = ratios(open_mask_sets(protocol)[name], size)
        assert max(bounded) <= 0.5
        assert min(bounded) > 0
        assert np.mean(bounded) == pytest.approx(bounded_mean, abs=0.03)


def test_narrow_and_wide_holes_differ_in_width_not_in_area() -> None:
    """The width is twice the largest distance from a missing pixel to the nearest known one."""
    masks = open_mask_sets("lama-celeba-hq-256")
    widths, areas = {}, {}
    for name in ("narrow", "wide"):
        drawn = [masks[name].draw(256, key) for key in range(100)]
        widths[name] = np.mean([2 * cv2.distanceTransform(hole, cv2.DIST_L2, 5).max() for hole in drawn])
        areas[name] = np.mean(drawn)
    assert widths["wide"] > 2 * widths["narrow"]
    assert areas["wide"] == pytest.approx(areas["narrow"], abs=0.06)


def test_segments_have_the_published_angles_lengths_and_brushes(lines: list) -> None:
    narrow = open_mask_sets("lama-celeba-hq-256")["narrow"]
    for key in range(300):
        narrow.draw(256, key)
    assert {thickness for _, _, thickness in lines} == set(range(5, 15))
    inside = [(a, b) for a, b, _ in lines if 0 < b[0] < 256 and 0 < b[1] < 256]
    lengths = [math.dist(a, b) for a, b in inside]
    assert 8 < min(lengths) < 11
    assert 48 < max(lengths) < 49 + math.sqrt(2)  # ends are rounded down to whole pixels
    mirror = 2 * math.pi
    angles = [math.atan2(b[0] - a[0], b[1] - a[1]) % mirror for a, b in inside if math.dist(a, b) > 40]
    expected = [turn for k in range(4) for turn in (0.01 + k, mirror - 0.01 - k)]
    nearest = [min(expected, key=lambda turn: abs(turn - angle)) for angle in angles]
    assert max(abs(a - b) for a, b in zip(angles, nearest, strict=True)) < 0.04  # ends are whole pixels
    assert set(nearest) == set(expected)


def test_segments_of_a_chain_are_connected_and_every_other_chain_is_mirrored(lines: list) -> None:
    """A new chain begins at a line that does not start at the end of the previous one."""
    open_mask_sets("lama-celeba-hq-256", strokes=[7, 7], hole_ratio=[0, 1])["narrow"].draw(256, 3)
    starts = [i for i, (a, _, _) in enumerate(lines) if i == 0 or a != lines[i - 1][1]]
    assert len(starts) == 7
    counts = np.diff([*starts, len(lines)])
    assert counts.min() >= 1
    assert counts.max() <= 5
    for chain, (first, count) in enumerate(zip(starts, counts, strict=True)):
        for a, b, _ in lines[first : first + count]:
            if math.dist(a, b) > 10 and 0 < b[0] < 256:
                right = b[0] > a[0]  # sines of 0.01 to 3.01 radians are positive, those of mirrored angles negative
                assert right != (chain % 2 == 0) or abs(b[0] - a[0]) <= 1 + 0.14 * math.dist(a, b)


def test_boxes_have_the_published_share_margin_and_sides(lines: list) -> None:
    only_one = open_mask_sets("lama-celeba-hq-256", boxes=[1, 1], hole_ratio=[0, 1])["wide"]
    sides, boxes = set(), 0
    for key in range(1000):
        lines.clear()
        hole = only_one.draw(256, key)
        if lines:
            continue
        boxes += 1
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        assert hole.sum() == len(rows) * len(columns)
        assert min(rows[0], columns[0]) >= 10
        assert max(rows[-1], columns[-1]) < 246
        sides |= {len(rows), len(columns)}
    assert boxes / 1000 == pytest.approx(0.3 / 1.3, abs=0.04)
    assert sides <= set(range(30, 151))
    assert {30, 150} <= sides | {30, 150}
    assert len(sides) > 100


def test_narrow_holes_have_no_boxes(lines: list) -> None:
    narrow = open_mask_sets("lama-places2-512")["narrow"]
    for key in range(200):
        lines.clear()
        narrow.draw(512, key)
        assert lines


def test_boxes_larger_than_the_image_are_shrunk() -> None:
    mask_set = open_mask_sets(
        "lama-celeba-hq-256", box_weight=1000, boxes=[1, 1], box_side=[300, 400], hole_ratio=[0, 1]
    )["wide"]
    sides = {mask_set.draw(256, key).any(0).sum() for key in range(50)}
    assert sides == {235}, "all but the margins and one pixel"


def test_the_same_key_gives_the_same_hole_in_any_order() -> None:
    wide = open_mask_sets("lama-celeba-hq-256")["wide"]
    drawn = {key: wide.draw(256, key) for key in range(20)}
    for key in reversed(range(20)):
        np.testing.assert_array_equal(wide.draw(256, key), drawn[key])
    assert len({hole.tobytes() for hole in drawn.values()}) == 20


def test_holes_scale_with_the_image() -> None:
    wide = open_mask_sets("lama-celeba-hq-256", hole_ratio=[0, 1])["wide"]
    assert np.mean(ratios(wide, 64)) == pytest.approx(np.mean(ratios(wide, 256)), abs=0.06)


def test_bounds_that_no_hole_meets_are_reported() -> None:
    with pytest.raises(BadInput, match=r"0\.99.*1000 attempts"):
        open_mask_sets("lama-celeba-hq-256", hole_ratio=[0.99, 1.0])["narrow"].draw(32, 0)
