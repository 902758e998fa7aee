"""Tests of evaluation pairs: image i always gets hole i, in any order and for any number of workers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.mask_sets import open_mask_set, small_protocol
from torch.utils.data import DataLoader, Subset

from bench_core.data.pairs import Pair, TestPairs, to_floats
from bench_core.images import as_channels, resized

SHAPES = [(40, 52, 3), (52, 40, 1), (32, 32, 1), (20, 30, 3), (33, 90, 1)]


@dataclass
class MemoryImages:
    """Images in memory."""

    arrays: Sequence[np.ndarray]
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = [f"image-{index}" for index in range(len(self.arrays))]

    def __len__(self) -> int:
        return len(self.arrays)

    def __getitem__(self, index: int) -> np.ndarray:
        return self.arrays[index]


def coordinates(height: int, width: int) -> np.ndarray:
    """Return an image whose pixels encode their position."""
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows, columns, rows + columns], 2).astype(np.uint8)


def noise(*shapes: tuple[int, int, int]) -> MemoryImages:
    rng = np.random.default_rng(0)
    return MemoryImages([rng.integers(0, 256, shape, np.uint8) for shape in shapes])


def pairs_of(images: MemoryImages, **fields: Any) -> TestPairs:
    return TestPairs(small_protocol(size=32, **fields), images, open_mask_set("free_form"))


def content(pair: Pair) -> tuple[int, bytes, bytes]:
    return int(pair["index"]), pair["image"].numpy().tobytes(), pair["hole"].numpy().tobytes()


def loaded(pairs: TestPairs, order: Sequence[int], **options: Any) -> list[tuple[int, bytes, bytes]]:
    """Return the pairs from a DataLoader, one by one."""
    loader = DataLoader(Subset(pairs, order), **options)
    return [
        content(Pair(index=i, image=x, hole=m)) for batch in loader for i, x, m in zip(*batch.values(), strict=True)
    ]


@pytest.mark.parametrize("batch", [1, 3, 8])
def test_a_pair_does_not_depend_on_the_batch_size(batch: int) -> None:
    pairs = pairs_of(noise(*SHAPES), crops=2)
    everything = range(len(pairs))
    assert loaded(pairs, everything, batch_size=batch) == [content(pairs[index]) for index in everything]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning", "ignore:This DataLoader will create:UserWarning")
def test_a_pair_does_not_depend_on_the_workers() -> None:
    pairs = pairs_of(noise(*SHAPES), crops=2)
    everything = range(len(pairs))
    with_two = loaded(pairs, everything, batch_size=3, num_workers=2, multiprocessing_context="fork")
    assert with_two == loaded(pairs, everything, batch_size=3)


@given(st.permutations(range(10)), st.integers(1, 10))
def test_a_pair_does_not_depend_on_the_order_or_the_subset(order: list[int], count: int) -> None:
    pairs = pairs_of(noise(*SHAPES), crops=2)
    assert loaded(pairs, order[:count], batch_size=3) == [content(pairs[index]) for index in order[:count]]


def test_adding_images_does_not_change_the_first_pairs() -> None:
    few, many = pairs_of(noise(*SHAPES[:2])), pairs_of(noise(*SHAPES))
    assert [content(few[index]) for index in range(2)] == [content(many[index]) for index in range(2)]


def test_every_pair_and_seed_has_its_own_hole() -> None:
    drawn = [pairs_of(noise(*SHAPES), crops=4, seed=seed).hole(index) for seed in (0, 1) for index in range(20)]
    assert len({hole.tobytes() for hole in drawn}) == 40


def test_hole_returns_the_hole_of_the_pair() -> None:
    pairs = pairs_of(noise(*SHAPES))
    for index in range(len(pairs)):
        np.testing.assert_array_equal(pairs[index]["hole"][0].numpy(), pairs.hole(index))


def test_holes_depend_on_parameters_and_not_on_the_name_of_the_set() -> None:
    images = noise(*SHAPES)
    one, other = (
        TestPairs(small_protocol(size=32), images, open_mask_set("free_form", name)) for name in ("one", "other")
    )
    thicker = TestPairs(small_protocol(size=32), images, open_mask_set("free_form", "one", thickness=(20, 40)))
    assert [content(one[index]) for index in range(5)] == [content(other[index]) for index in range(5)]
    assert all((one.hole(index) != thicker.hole(index)).any() for index in range(5))


@given(st.integers(5, 120), st.integers(5, 120), st.integers(1, 9))
def test_crops_lie_inside_the_image_and_their_number_is_as_requested(height: int, width: int, crops: int) -> None:
    image = coordinates(height, width)
    pairs = pairs_of(MemoryImages([image]), crops=crops)
    assert len(pairs) == crops
    assert len({pairs.name(index) for index in range(crops)}) == crops
    full = resized(image, max(32, min(height, width)))
    for index in range(crops):
        pair = pairs[index]
        assert pair["image"].shape == (3, 32, 32)
        assert content(pairs[index]) == content(pair)
        if min(height, width) >= 32:
            top, left = pair["image"][:2, 0, 0].tolist()
            np.testing.assert_array_equal(pair["image"].permute(1, 2, 0), full[top : top + 32, left : left + 32])


@given(st.integers(32, 120), st.integers(32, 120), st.integers(2, 9))
def test_crops_of_a_large_image_differ_and_reach_its_far_corner(height: int, width: int, crops: int) -> None:
    pairs = pairs_of(MemoryImages([coordinates(height, width)]), crops=crops)
    corners = [tuple(pairs[index]["image"][:2, 0, 0].tolist()) for index in range(crops)]
    assert corners[0] == (0, 0) or crops == 2
    if max(height, width) - 32 >= crops and min(height, width) - 32 >= crops:
        assert len(set(corners)) == crops
    if crops in (4, 9):
        assert corners[-1] == (height - 32, width - 32)


@pytest.mark.parametrize(("height", "width", "axis"), [(32, 100, 1), (100, 32, 0)])
def test_crops_of_a_narrow_image_spread_along_its_length(height: int, width: int, axis: int) -> None:
    pairs = pairs_of(MemoryImages([coordinates(height, width)]), crops=5)
    assert [int(pairs[index]["image"][axis, 0, 0]) for index in range(5)] == [0, 17, 34, 51, 68]


def test_a_single_crop_is_the_middle() -> None:
    image = coordinates(60, 100)
    np.testing.assert_array_equal(pairs_of(MemoryImages([image]))[0]["image"].permute(1, 2, 0), image[14:46, 34:66])


def test_an_image_that_is_too_small_is_enlarged_just_enough() -> None:
    image = noise((16, 24, 3)).arrays[0]
    expected = np.asarray(Image.fromarray(image).resize((48, 32), Image.Resampling.BICUBIC))[:, 8:40]
    np.testing.assert_array_equal(pairs_of(MemoryImages([image]))[0]["image"].permute(1, 2, 0), expected)


@given(st.integers(1, 150), st.integers(1, 150), st.integers(1, 100), st.sampled_from([1, 3]))
def test_resizing_gives_the_short_side_and_keeps_the_aspect(height: int, width: int, short: int, channels: int) -> None:
    result = resized(np.zeros((height, width, channels), np.uint8), short)
    assert min(result.shape[:2]) == short
    assert result.shape[2] == channels
    assert abs(max(result.shape[:2]) - short * max(height, width) / min(height, width)) <= 0.5


@pytest.mark.parametrize("resize", [None, 32, 36, 60])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("shape", SHAPES)
def test_colour_and_grey_images_work_with_any_number_of_channels(
    shape: tuple[int, int, int], channels: int, resize: int | None
) -> None:
    """A pair must own its memory: torch warns about a view of Pillow's read-only array, and warnings are errors."""
    images = noise(shape)
    before = images.arrays[0].copy()
    pair = pairs_of(images, channels=channels, resize=resize)[0]
    assert (pair["image"].shape, pair["image"].dtype) == ((channels, 32, 32), torch.uint8)
    assert (pair["hole"].shape, pair["hole"].dtype) == ((1, 32, 32), torch.uint8)
    pair["image"].zero_()
    np.testing.assert_array_equal(images.arrays[0], before)


def test_grey_becomes_three_equal_channels_and_colour_its_luma() -> None:
    grey, colour = noise((4, 5, 1), (4, 5, 3)).arrays
    np.testing.assert_array_equal(as_channels(grey, 3), np.concatenate([grey] * 3, 2))
    luma = colour @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(as_channels(colour, 1)[..., 0], luma, atol=1)
    assert as_channels(colour, 3) is colour


def test_masked_pixels_are_zero_inside_and_unchanged_outside_the_hole() -> None:
    pairs = pairs_of(noise(*SHAPES))
    for batch in DataLoader(pairs, batch_size=2):
        image, hole, masked = to_floats(batch)
        assert image.dtype == hole.dtype == masked.dtype == torch.float32
        torch.testing.assert_close(image, batch["image"] / 255, rtol=0, atol=0)
        hidden = (batch["hole"] == 1).expand_as(image)
        assert (masked[hidden] == 0).all()
        assert torch.equal(masked[~hidden], image[~hidden])
        assert hidden.any()
        assert not hidden.all()
