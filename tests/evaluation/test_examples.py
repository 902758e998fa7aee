"""Which pairs' pictures are kept, and what a repeated command adds to them."""

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import Result
from PIL import Image

import bench_core.plugins
from bench_core.evaluation.examples import SavedExamples
from bench_core.store.store import read_runs

Bench = Callable[..., Result]
COUNTING = ["--plugins", "counting", "--no-baselines", "--metrics", "l1", "--test-masks", "center"]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Pretend that the plugin is installed; returns what it counts."""
    from support import counting_plugin

    module = ModuleType("bench_counting")
    module.__dict__.update(vars(counting_plugin))
    monkeypatch.setitem(sys.modules, "bench_counting", module)
    real, mine = bench_core.plugins.entry_points, EntryPoint("counting", "bench_counting", "bench")
    monkeypatch.setattr(bench_core.plugins, "entry_points", lambda group: [*real(group=group), mine])
    counting_plugin.LOOKS.update(predict=0)
    return counting_plugin.LOOKS


@pytest.fixture
def five(photographs: Path) -> None:
    """Three more photographs to judge with."""
    for number in (2, 3, 4):
        (photographs / "train" / f"{number}.png").rename(photographs / "test" / f"{number}.png")


def cells(out: Path) -> dict[str, bytes]:
    """The files of all cells."""
    return {str(path.relative_to(out)): path.read_bytes() for path in (out / "cells").rglob("*") if path.is_file()}


def numbers(names: set[str]) -> set[int]:
    return {int(Path(name).name.partition("-")[0]) for name in names}


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, []), (1, [0]), (2, [0, 2]), (3, [0, 1, 3]), (4, [0, 1, 2, 3]), (9, [0, 1, 2, 3, 4]), (None, range(5))],
)
def test_so_many_pairs_are_chosen_spread_over_all(count: int | None, expected: list[int], tmp_path: Path) -> None:
    assert SavedExamples(tmp_path, 5, count).chosen == list(expected)


def test_missing_are_those_of_the_chosen_that_have_no_composite(tmp_path: Path) -> None:
    for there in ("000000-image", "000002-image", "000002-composite"):
        (tmp_path / f"{there}.png").touch()
    assert SavedExamples(tmp_path, 5, 2).missing == [0]
    assert SavedExamples(tmp_path, 5, None).missing == [0, 1, 3, 4]


def test_more_samples_add_pictures_and_nothing_else(
    bench: Bench, five: None, looks: dict[str, int], tmp_path: Path
) -> None:
    bench(*COUNTING, "--save-images", "2")
    before = cells(tmp_path / "out")
    pictures = {name for name in before if name.endswith(".png")}
    assert numbers(pictures) == {0, 2} and len(pictures) == 2 * 3
    assert looks["predict"] == 5

    bench(*COUNTING, "--save-images", "all")
    after = cells(tmp_path / "out")
    assert {name: after[name] for name in before} == before
    assert numbers(set(after) - set(before)) == {1, 3, 4} and len(set(after) - set(before)) == 3 * 3
    assert looks["predict"] == 5 + 3

    bench(*COUNTING, "--save-images", "all", out="at once")
    at_once = cells(tmp_path / "at once")
    assert {name for name in at_once if name.endswith(".png")} == {name for name in after if name.endswith(".png")}
    assert all(at_once[name] == after[name] for name in at_once if name.endswith(".png"))


def test_a_pictures_number_is_its_place_in_the_rows(
    bench: Bench, five: None, looks: dict[str, int], photographs: Path, tmp_path: Path
) -> None:
    bench(*COUNTING, "--save-images", "all")
    store, (run,) = read_runs(tmp_path / "out")
    (folder,) = (store.folder(run.entries[0]).path / "samples").iterdir()
    for number, name in enumerate(store.rows(run)["image"]):
        whole = np.asarray(Image.open(photographs / str(name)))
        image, masked, composite = (
            np.asarray(Image.open(folder / f"{number:06}-{kind}.png")) for kind in ("image", "masked", "composite")
        )
        np.testing.assert_array_equal(image, whole[4:36, 8:40])
        # the hole is the middle, and this method's prediction is grey
        middle = np.pad(np.full((16, 16, 1), fill_value=True), ((8, 8), (8, 8), (0, 0)))
        np.testing.assert_array_equal(masked, np.where(middle, 0, image))
        np.testing.assert_array_equal(composite, np.where(middle, 128, image))


def test_no_training_is_repeated_for_a_picture(bench: Bench, five: None, toy: None, tmp_path: Path) -> None:
    ask = ["--plugins", "toy", "--no-baselines", "--metrics", "l1", "--test-masks", "center", "--save-images"]
    bench(*ask, "1")
    bench(*ask, "2")
    before = cells(tmp_path / "out")
    assert numbers({name for name in before if name.endswith(".png")}) == {0, 2}
    (weights,) = (tmp_path / "out" / "cells").glob("*/weights.safetensors")
    weights.unlink()
    assert "weights are gone" in bench(*ask, "all").output
    assert set(before) - set(cells(tmp_path / "out")) == {str(weights.relative_to(tmp_path / "out"))}


def test_what_is_no_number_of_samples_is_refused(bench: Bench) -> None:
    assert "'many' is neither a number nor 'all'" in bench("--save-images", "many", code=2).output
