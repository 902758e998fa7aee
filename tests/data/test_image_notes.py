"""Tests of what a run says about its images, and of the images that stand in for unreadable ones."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image
from skimage import data
from support.mask_sets import small_protocol

from bench_core.data.pairs import TrainPairs
from bench_core.data.validate import ValidatedImages, validate_images
from bench_core.errors import BadInput
from bench_core.images import BadImage


@dataclass
class Arrays:
    """Images in memory; None cannot be decoded."""

    pixels: Sequence[np.ndarray | None]
    kind: str = "train"
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = [f"{self.kind}/{index}" for index in range(len(self.pixels))]

    def __len__(self) -> int:
        return len(self.pixels)

    def __getitem__(self, index: int) -> np.ndarray:
        if (image := self.pixels[index]) is None:
            raise BadImage(f"{index} is broken")
        return image


def noise(seed: int, side: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side + 4, 3), np.uint8)


def validated(train: Sequence[Any], test: Sequence[Any], drawn: int = 99, **rules: Any) -> ValidatedImages:
    protocol = small_protocol(**rules)
    return validate_images(Arrays(train), Arrays(test, "test"), protocol, drawn, True)


CAMERA = data.camera()[..., None]
SMALL = np.asarray(Image.fromarray(CAMERA[..., 0]).resize((128, 128)))[..., None]
NEAR = "(their perceptual hashes differ in at most 24 of 256 bits)"


@pytest.mark.parametrize(
    ("train", "test", "notes", "copies"),
    [
        ([noise(0)], [noise(1), noise(2)], [], {}),
        (
            [noise(0), noise(1), noise(1)],
            [noise(1), noise(2)],
            ["1 of 2 test images are also training images, pixel for pixel: test/0 of train/1."],
            {},
        ),
        (
            [noise(seed) for seed in range(5)],
            [noise(seed) for seed in range(4, -1, -1)],
            [
                "5 of 5 test images are also training images, pixel for pixel: test/0 of train/4, test/1 of train/3, "
                "test/2 of train/2, 2 more."
            ],
            {},
        ),
        (
            [noise(9), SMALL],
            [CAMERA, noise(0)],
            [f"1 of 2 test images are near duplicates of training images {NEAR}: test/0 of train/1."],
            {},
        ),
        (
            [],
            [noise(0), noise(1), noise(0), noise(0)],
            [
                "2 of 4 test images are copies of other test images, and count once in intervals: test/2 of test/0, "
                "test/3 of test/0."
            ],
            {"test/2": "test/0", "test/3": "test/0"},
        ),
        (
            [],
            [noise(0), SMALL, CAMERA],
            [
                f"1 of 3 test images are near duplicates {NEAR} of other test images, and count once in intervals: "
                "test/2 of test/1."
            ],
            {"test/2": "test/1"},
        ),
    ],
)
def test_copies_are_counted_and_named(train: list[Any], test: list[Any], notes: list[str], copies: dict[str, str]):
    found = validated(train, test, len(train))
    assert list(found.notes) == notes
    assert found.copies == copies


def test_only_training_images_that_are_read_are_compared() -> None:
    train = [noise(seed) for seed in range(6)]
    drawn = TrainPairs(small_protocol(), Arrays(train), (), 0).drawn_images(2).tolist()
    for index in range(6):
        assert bool(validated(train, [noise(index)], 2).notes) == (index in drawn)


@pytest.mark.parametrize(
    ("rules", "note"),
    [
        ({"size": 16}, ""),
        ({"size": 20}, ""),
        ({"size": 24}, "1 of 2 test images and 2 of 3 training images are smaller than 24 pixels and were enlarged."),
        ({"size": 16, "resize": 24}, "1 of 2 test images and 2 of 3 training images are smaller than 24"),
        ({"size": 36}, "2 of 2 test images and 3 of 3 training images are smaller than 36"),
        ({"size": 24, "test_images": 1}, "2 of 3 training images are smaller than 24"),
    ],
)
def test_enlarged_images_are_counted(rules: dict[str, Any], note: str) -> None:
    found = validated([noise(0), noise(1), noise(2, 30)], [noise(3, 24), noise(4, 20)], **rules)
    assert len(found.notes) == bool(note) and "".join(found.notes).startswith(note)


def numbered(bad: set[int]) -> list[np.ndarray | None]:
    return [None if index in bad else noise(index) for index in range(12)]


@pytest.mark.parametrize("bad", [{3}, {3, 4, 5}, {0, 11}, {2, 7, 8}, set(range(11)), set(range(1, 12))], ids=str)
def test_the_digest_of_a_training_covers_the_images_that_stand_in(bad: set[int]) -> None:
    """It changes with every image that is read, and with no other."""
    protocol, pixels = small_protocol(), numbered(bad)

    def trained(pixels: list[np.ndarray | None], drawn: int) -> tuple[TrainPairs, dict[str, str]]:
        found = validated(pixels, [noise(99)], drawn)
        pairs = TrainPairs(protocol, Arrays(pixels), (), 0, found.train_digests.indexes)
        return pairs, found.drawn_digests(pairs, drawn)

    for drawn in (1, 4, 12):
        pairs, digest = trained(pixels, drawn)
        read = {pairs.image_at(position) for position in range(drawn)}
        assert not read & bad
        assert sorted(pairs.drawn_images(drawn).tolist()) == sorted(read)
        for index in set(range(12)) - bad:
            changed = [noise(50) if each == index else pixels[each] for each in range(12)]
            assert (trained(changed, drawn)[1] != digest) == (index in read)


def test_without_any_readable_training_image_there_is_an_error() -> None:
    with pytest.raises(BadInput, match="No image that can be decoded is left to train with"):
        validated(numbered(set(range(12))), [noise(99)], 3)


def test_a_renamed_test_image_changes_the_digest_of_the_test_images() -> None:
    renamed = Arrays([noise(0)], "other")
    before = validated([], [noise(0)], 0)
    after = validate_images(Arrays([]), renamed, small_protocol(), 0, False)
    assert before.test_digest != after.test_digest
