"""The nearest-neighbour field: what it starts from, and how close its matches get."""

import numpy as np
import pytest
from skimage import data

from bench_patchmatch.field import Field
from bench_patchmatch.windows import Windows

EXACT = 96.5
"""Mean distance, in 65535ths, of an exact search for the windows of `crops`."""


@pytest.fixture
def crops() -> tuple[Windows, Windows]:
    """Two overlapping crops of a photograph."""
    image, known = data.astronaut().astype(np.float32), np.ones((48, 48), bool)
    return Windows(image[96:144, 180:228], known, 3), Windows(image[104:152, 190:238], known, 3)


def inner(size: int, margin: int) -> np.ndarray:
    touched = np.zeros((size, size), bool)
    touched[margin:-margin, margin:-margin] = True
    return touched


@pytest.mark.parametrize(("num_passes", "at_most"), [(4, 120), (6, 102), (10, 99.2)])
def test_matches_get_as_close_as_those_of_the_reference(num_passes: int, at_most: float, crops):
    """The reference scans in order and reaches 100.5 and 99.2 after 2 and 5 passes there and back."""
    found = []
    for seed in range(3):
        field = Field(np.ones((48, 48), bool), None, np.random.default_rng(seed))
        field.search(crops[0], crops[1], num_passes)
        distances = np.zeros((48, 48))
        distances[tuple(field.windows.T)] = field.distances
        found.append(65535 * distances[4:-4, 4:-4].mean())
    assert EXACT - 0.5 < np.mean(found) <= at_most


def test_fact_05_distances_never_increase_and_are_those_of_the_matches(crops):
    queries, candidates = crops
    field = Field(inner(48, 4), None, np.random.default_rng(0))
    before = np.full(len(field.windows), np.inf)
    for _ in range(4):
        field.search(queries, candidates, 1)
        assert (field.distances <= before).all() and (field.distances < before).any()
        true = candidates.distances(queries.queries(*field.windows.T), *field.matches.T)
        np.testing.assert_array_equal(field.distances, true)
        before = field.distances.copy()


def test_fact_06_windows_that_hold_no_pixel_of_the_hole_match_themselves(rng):
    touched = np.zeros((9, 7), bool)
    rows, columns = np.indices((9, 7))
    assert (Field(touched, None, rng).grid() == np.dstack([rows, columns])).all()
    touched[2:4, 3] = True
    field = Field(touched, None, rng)
    assert (field.grid()[~touched] == np.dstack([rows, columns])[~touched]).all()
    assert (field.grid()[touched] == field.matches).all()


def test_a_field_starts_from_the_doubled_matches_of_the_coarse_one(rng):
    coarse = Field(np.ones((4, 5), bool), None, rng)
    fine = Field(np.ones((9, 10), bool), coarse, rng)
    for (row, column), match in zip(fine.windows, fine.matches, strict=True):
        assert (match == 2 * coarse.grid()[min(row // 2, 3), column // 2]).all()


def test_a_good_match_spreads_by_one_window_a_pass_in_each_direction(rng, monkeypatch: pytest.MonkeyPatch):
    """The candidates hold the queries moved by (5, 3). Random search is off."""
    monkeypatch.setattr(Field, "_radii", lambda self: ())
    image, known = rng.integers(0, 256, (64, 64, 3)).astype(np.float32), np.ones((64, 64), bool)
    queries, moved = Windows(image, known, 3), Windows(np.roll(image, (5, 3), (0, 1)), known, 3)
    field = Field(inner(64, 12), None, rng)
    field.matches = field.windows.copy()
    field.matches[(field.windows == 32).all(1)] += (5, 3)
    field.search(queries, moved, 1)
    found = field.windows[(field.matches - field.windows == (5, 3)).all(1)]
    # shifts follow each other, so the match turns a corner within a pass
    assert {tuple(place) for place in found - 32} == {(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)}
    field.search(queries, moved, 19)
    assert (field.matches - field.windows == (5, 3)).all()


def test_random_search_halves_its_radius_around_the_best_match(rng, monkeypatch: pytest.MonkeyPatch):
    field, offered = Field(inner(41, 5), None, rng), []
    monkeypatch.setattr(Field, "_propagate", lambda *_: None)
    monkeypatch.setattr(Field, "_offer", lambda self, proposals, to=None: offered.append(proposals - self.matches))
    same = Windows(np.zeros((41, 41, 1), np.float32), np.ones((41, 41), bool), 2)
    field.search(same, same, 1)
    assert [(offsets.min(), offsets.max()) for offsets in offered] == [(-r, r) for r in (20, 10, 5, 2, 1)]


def test_windows_that_match_nothing_are_drawn_again(rng):
    """9 of 400 candidate pixels are known. One draw rarely hits a window that holds one, 20 draws often do."""
    image, known = rng.integers(0, 256, (20, 20, 3)).astype(np.float32), np.zeros((20, 20), bool)
    known[8:11, 8:11] = True
    queries, candidates = Windows(image, np.ones_like(known), 1), Windows(image, known, 1)
    field = Field(inner(20, 5), None, rng)
    drawn = candidates.distances(queries.queries(*field.windows.T), *field.matches.T)
    field.search(queries, candidates, 0)
    assert (drawn < 0.99).mean() < 0.2
    assert (field.distances < 0.99).mean() > 0.7


def test_matches_stay_inside_the_image(rng):
    image, known = rng.integers(0, 256, (17, 23, 3)).astype(np.float32), rng.random((17, 23)) < 0.7
    field = Field(np.ones((17, 23), bool), None, rng)
    field.search(Windows(image, np.ones_like(known), 3), Windows(image, known, 3), 3)
    assert (field.matches >= 0).all() and (field.matches < (17, 23)).all()
