"""Tests of training pairs: they depend on seed and position alone, and take every image equally often."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from support.mask_sets import FAMILIES, small_protocol

from bench_core.data.pairs import Pair, TestPairs, TrainPairs
from bench_core.images import BadImage
from bench_core.masks.mask_set import MaskSet, open_sets

SETS = {"box": {"family": "random_box"}, "strokes": {"family": "free_form"}}
PROTOCOL = small_protocol(masks=SETS)
MASK_SETS = open_sets(PROTOCOL.masks, FAMILIES)


@dataclass
class Numbered:
    """Image i has the value i in its first channel and pixel positions in the others. `bad` ones cannot be decoded."""

    count: int
    bad: Sequence[int] = ()
    names: Sequence[str] = field(default_factory=list)

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> np.ndarray:
        if index in self.bad:
            raise BadImage(f"{index} is broken")
        rows, columns = np.mgrid[:40, :60]
        return np.stack([np.full((40, 60), index), rows, columns], 2).astype(np.uint8)


def pairs_of(
    count: int = 7, seed: int = 0, mask_sets: Sequence[MaskSet] = tuple(MASK_SETS.values()), **options: Any
) -> TrainPairs:
    return TrainPairs(PROTOCOL, Numbered(count, options.pop("bad", ())), mask_sets, seed, **options)


def image_index(pair: Pair) -> int:
    return int(pair["image"][0, 0, 0])


def content(pair: Pair) -> tuple[bytes, bytes]:
    return pair["image"].numpy().tobytes(), pair["hole"].numpy().tobytes()


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=20), st.integers(0, 3))
def test_a_pair_is_a_function_of_seed_and_position(positions: list[int], seed: int) -> None:
    used = pairs_of(seed=seed)
    assert [content(used[position]) for position in positions] == [
        content(pairs_of(seed=seed)[position]) for position in positions
    ]


def test_a_pair_does_not_depend_on_other_seeds_in_between() -> None:
    alone = [content(pairs_of()[position]) for position in range(21)]
    first, second = pairs_of(), pairs_of(seed=1)
    mixed = [(content(first[position]), content(second[position])) for position in range(21)]
    assert [pair for pair, _ in mixed] == alone
    assert all(one != other for one, other in mixed)


@pytest.mark.parametrize("seed", [1, 2, 10**9])
def test_holes_crops_and_order_each_depend_on_the_training_seed(seed: int) -> None:
    # one image and one mask set, so that neither their order nor their choice can differ
    one, other = (pairs_of(1, each, [MASK_SETS["strokes"]]) for each in (0, seed))
    drawn = [(one[position], other[position]) for position in range(8)]
    assert sum(not torch.equal(a["hole"], b["hole"]) for a, b in drawn) > 6
    assert sum(not torch.equal(a["image"], b["image"]) for a, b in drawn) > 2
    orders = [[image_index(pairs[position]) for position in range(7)] for pairs in (pairs_of(), pairs_of(seed=seed))]
    assert orders[0] != orders[1]


@pytest.mark.parametrize("count", [1, 2, 7])
def test_every_epoch_takes_every_image_once(count: int) -> None:
    pairs = pairs_of(count)
    for epoch in range(5):
        assert sorted(image_index(pairs[epoch * count + step]) for step in range(count)) == list(range(count))


def test_epochs_and_seeds_are_ordered_differently() -> None:
    orders = [
        tuple(pairs_of(20, seed).image_at(20 * epoch + i) for i in range(20)) for seed in (0, 1) for epoch in range(4)
    ]
    assert len(set(orders)) == 8


def test_returning_to_an_epoch_gives_the_same_order() -> None:
    pairs = pairs_of(20)
    first = [pairs.image_at(position) for position in range(20)]
    pairs.image_at(25)
    assert [pairs.image_at(position) for position in range(20)] == first


def test_crops_cover_all_positions_of_the_image() -> None:
    pairs, corners = pairs_of(), set()
    for position in range(600):
        image = pairs[position]["image"].numpy()
        top, left = (int(x) for x in image[1:, 0, 0])
        corners.add((top, left))
        expected = Numbered(7)[int(image[0, 0, 0])][top : top + 16, left : left + 16]
        np.testing.assert_array_equal(image.transpose(1, 2, 0), expected)
    tops, lefts = ({corner[axis] for corner in corners} for axis in (0, 1))
    assert tops == set(range(40 - 16 + 1))
    assert lefts == set(range(60 - 16 + 1))


def test_mask_sets_are_drawn_equally_often() -> None:
    box, strokes = (pairs_of(mask_sets=[MASK_SETS[name]]) for name in ("box", "strokes"))
    mixed = pairs_of()
    from_box = 0
    for position in range(400):
        hole = content(mixed[position])[1]
        assert hole in (content(box[position])[1], content(strokes[position])[1])
        from_box += hole == content(box[position])[1]
    assert 160 <= from_box <= 240


def test_training_holes_are_not_test_holes() -> None:
    evaluate = TestPairs(PROTOCOL, Numbered(7), MASK_SETS["strokes"])
    trained = pairs_of(mask_sets=[MASK_SETS["strokes"]])
    assert not any((trained[index]["hole"].numpy() == evaluate.hole(index)).all() for index in range(7))


def test_the_next_readable_image_replaces_a_bad_one() -> None:
    complete, with_bad = pairs_of(), pairs_of(bad=(2, 3, 6), readable=np.array([0, 1, 4, 5]))
    replacement = {2: 4, 3: 4, 6: 0}
    for position in range(21):
        wanted = image_index(complete[position])
        assert image_index(with_bad[position]) == replacement.get(wanted, wanted)
        assert content(with_bad[position])[1] == content(complete[position])[1]


def test_a_bad_image_raises_unless_skipping_is_allowed() -> None:
    pairs = pairs_of(bad=(2,))
    position = next(position for position in range(7) if pairs.image_at(position) == 2)
    with pytest.raises(BadImage, match="2 is broken"):
        pairs[position]


def test_an_image_that_was_readable_before_is_never_replaced() -> None:
    pairs = pairs_of(bad=(2, 3), readable=np.array([0, 1, 2, 4, 5, 6]))
    drawn = [pairs_of().image_at(position) for position in range(7)]
    lost, bad = drawn.index(2), drawn.index(3)
    assert image_index(pairs[bad]) == 4
    with pytest.raises(BadImage, match="2 is broken"):
        pairs[lost]


def test_having_only_bad_images_raises() -> None:
    with pytest.raises(BadImage, match="is broken"):
        pairs_of(bad=range(7), readable=np.array([], int))[0]
