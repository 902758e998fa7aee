"""Tests of holes along borders, of moved silhouettes, and of LaMa's presets."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage.measure import label
from support.mask_sets import open_mask_set

from bench_core.errors import BadInput
from bench_core.masks.generate import generate_mask_set
from bench_core.masks.mask_file import read

PRESETS = {
    ("narrow_256", 256): 0.290,
    ("medium_256", 256): 0.244,
    ("wide_256", 256): 0.271,
    ("narrow_512", 512): 0.287,
    ("medium_512", 512): 0.275,
    ("wide_512", 512): 0.264,
}
"""Mean hole ratio of 600 holes that another program drew, without those above 0.5."""


@pytest.mark.parametrize(("preset", "mean"), PRESETS.items(), ids=str)
def test_lamas_presets_have_the_measured_mean_hole_ratio(tmp_path: Path, preset: tuple[str, int], mean: float) -> None:
    family, size = preset
    generate_mask_set(tmp_path / "set.holes", open_mask_set(family), size, 0, 600)
    ratios = read(tmp_path / "set.holes").stats["hole_ratio"]
    assert ratios.mean() == pytest.approx(mean, abs=0.03)
    assert 0 < ratios.min() <= ratios.max() <= 0.5


def test_bands_lie_along_the_borders_with_the_given_depth() -> None:
    bands = open_mask_set("outpainting", depth=[0.1, 0.3])
    counts, depths = set(), []
    for key in range(200):
        hole = bands.draw(50, key)
        rows, columns = np.all(hole, axis=1), np.all(hole, axis=0)
        np.testing.assert_array_equal(hole, np.logical_or.outer(rows, columns))
        known = [np.flatnonzero(~lines) for lines in (rows, columns)]
        reach = [depth for lines in known for depth in (lines[0], 49 - lines[-1])]
        assert all((np.diff(lines) == 1).all() for lines in known), "no band lies inside"
        counts.add(sum(depth > 0 for depth in reach))
        depths += [depth for depth in reach if depth]
    assert counts == {1, 2, 3, 4}
    assert (min(depths), max(depths)) == (5, 15)


@pytest.mark.parametrize("side", ["left", "right", "top", "bottom"])
def test_a_single_band_can_hide_half_of_the_image(side: str) -> None:
    hole = open_mask_set("outpainting", sides=side, borders=[1, 1], depth=[0.5, 0.5]).draw(20, 0)
    expected = {"left": np.s_[:, :10], "right": np.s_[:, 10:], "top": np.s_[:10], "bottom": np.s_[10:]}
    assert hole[expected[side]].all()
    assert hole.mean() == 0.5


@pytest.mark.parametrize(
    "wrong",
    [{"sides": "left,middle"}, {"sides": "left"}, {"sides": "top,top"}, {"depth": [0.5, 0.5]}, {"borders": [0, 1]}],
)
def test_contradictory_parameters_of_bands_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"sides = |depth = "):
        open_mask_set("outpainting", **{"borders": [4, 4], **wrong}).draw(20, 0)


@pytest.fixture
def maps(tmp_path: Path) -> Path:
    """Write two maps of 80 x 120: one with an L and an object that is too large, one of 16 bits with a bar."""
    one = np.zeros((80, 120), np.uint8)
    one[55:] = 7
    one[10:50, 40:50] = one[40:50, 40:70] = 3
    two = np.zeros((80, 120), np.uint16)
    two[30:40, 20:70] = 1000
    for name, labels in (("a", one), ("b", two)):
        Image.fromarray(labels).save(tmp_path / f"{name}.png")
    return tmp_path


def test_silhouettes_are_scaled_objects_moved_off_their_place(maps: Path) -> None:
    drawn = [open_mask_set("instances", folder=str(maps)).draw(80, key) for key in range(150)]
    middle = {name: np.array(Image.open(maps / f"{name}.png"))[:, 20:100] for name in "ab"}
    bars = 0
    for hole in drawn:
        assert 0.02 < hole.mean() < 0.3 * 1.25**2
        assert np.max(np.asarray(label(hole))) == 1
        rows, columns = np.flatnonzero(hole.any(1)), np.flatnonzero(hole.any(0))
        bar = hole.sum() == len(rows) * len(columns)
        own = middle["b"] == 1000 if bar else middle["a"] == 3
        assert (hole * own).sum() <= 0.5 * min(hole.sum(), own.sum())
        area = own.sum()
        assert 0.8 * 0.7**2 * area < hole.sum() <= 1.25**2 * area
        bars += bar
    assert 40 < bars < 150
    ells = [hole for hole in drawn if hole.sum() < hole.any(0).sum() * hole.any(1).sum()]
    upright = {int(hole.sum(0).argmax() > np.flatnonzero(hole.any(0)).mean()) for hole in ells}
    assert upright == {0, 1}, "some are flipped"
    assert len({int(np.flatnonzero(hole.any(1))[0]) for hole in ells}) > 8, "vertical places vary"
    assert len({int(hole.any(1).sum()) for hole in ells}) > 8, "heights vary"
    assert len({hole.tobytes() for hole in drawn}) > 75


def test_silhouettes_do_not_depend_on_the_path_of_the_maps(maps: Path) -> None:
    before = open_mask_set("instances", folder=str(maps)).draw(64, 3)
    moved = maps.with_name("moved")
    maps.rename(moved)
    np.testing.assert_array_equal(open_mask_set("instances", folder=str(moved)).draw(64, 3), before)


@pytest.mark.parametrize(("background", "parameters"), [(0, {"largest": 0.01}), (0, {"smallest": 0.2}), (1, {})])
def test_objects_that_fit_nowhere_are_reported(tmp_path: Path, background: int, parameters: dict[str, Any]) -> None:
    """The last map is full of objects, so every silhouette overlaps one."""
    labels = np.full((40, 40), background, np.uint8)
    labels[10:20, 10:20] = 2
    Image.fromarray(labels).save(tmp_path / "a.png")
    with pytest.raises(BadInput, match="No object in"):
        open_mask_set("instances", folder=str(tmp_path), **parameters).draw(40, 0)
    if parameters:
        assert open_mask_set("instances", folder=str(tmp_path)).draw(40, 0).any()


def test_a_colour_image_is_not_an_instance_map(tmp_path: Path) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(BadInput, match=r"a\.png is no instance map"):
        open_mask_set("instances", folder=str(tmp_path)).draw(8, 0)
