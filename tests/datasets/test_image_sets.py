"""Tests of all image sets: complete records, a fixed order, disjoint splits. Tests of the photographs."""

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.image_sets import PAPERS, SETS, lay_out_celeba, open_split, split_names, touch

from bench_core.errors import BadInput
from bench_core.specs import ImageSet, resolve


def test_every_record_is_complete() -> None:
    assert list(SETS) == ["photos", "folder", "shards", "mnist", "cifar10", *PAPERS]
    for image_set in SETS.values():
        assert isinstance(image_set, ImageSet) and image_set.title and image_set.source
        assert callable(resolve(image_set.open))
    assert [name for name, image_set in SETS.items() if not image_set.needs_folder] == ["photos", "mnist", "cifar10"]


def test_listing_the_sets_imports_no_heavy_package() -> None:
    code = "import bench_datasets, sys; bench_datasets.bench_image_sets(); print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "torch", "torchvision", "PIL", "skimage"} & set(run.stdout.split())


@pytest.mark.parametrize("name", SETS)
def test_an_unknown_split_is_refused(tmp_path: Path, name: str) -> None:
    folder = None if name == "photos" else touch(tmp_path, "a.png", "b.png")
    with pytest.raises(BadInput, match=r"no split 'validation'.*test, train"):
        open_split(name, folder, "validation")


@pytest.mark.parametrize("name", ["folder", "shards", *PAPERS])
def test_a_missing_folder_is_reported_with_advice(tmp_path: Path, name: str) -> None:
    file = touch(tmp_path, "a.png") / "a.png"
    wrong = {None: "none was given", tmp_path / "absent": "absent does not exist", file: "is a file"}
    for folder, text in wrong.items():
        with pytest.raises(BadInput, match=text) as error:
            open_split(name, folder, "test")
        if name in PAPERS:
            assert SETS[name].source in str(error.value)


def test_photos_are_split_into_11_and_5() -> None:
    train, test = open_split("photos", None, "train"), open_split("photos", None, "test")
    assert (len(train), len(test)) == (11, 5)
    assert not set(train.names) & set(test.names)
    assert {"motorcycle_left.png", "motorcycle_right.png"} <= set(train.names)
    shapes = {name: images[i].shape for images in (train, test) for i, name in enumerate(images.names)}
    assert shapes["astronaut.png"] == (512, 512, 3)
    assert shapes["camera.png"] == (512, 512, 1)
    assert shapes["rocket.jpg"] == (427, 640, 3)
    assert all(images[i].dtype == np.uint8 for images in (train, test) for i in range(len(images)))
    assert min(min(shape[:2]) for shape in shapes.values()) >= 300


def test_photos_match_scikit_image() -> None:
    from skimage import data

    test = open_split("photos", None, "test")
    for index, name in enumerate(test.names):
        expected = getattr(data, name.partition(".")[0])()
        np.testing.assert_array_equal(test[index], expected.reshape(*expected.shape[:2], -1))


def test_photos_missing_from_scikit_image_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "data/astronaut.png", "data/camera.png")
    monkeypatch.setattr("bench_datasets.photos.files", lambda package: tmp_path)
    with pytest.raises(BadInput, match=r"does not contain coffee\.png, gravel\.png, rocket\.jpg"):
        open_split("photos", None, "test")


def test_photos_take_no_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="takes no folder"):
        open_split("photos", tmp_path, "test")


def test_an_index_out_of_range_raises_index_error(tmp_path: Path) -> None:
    images = open_split("photos", None, "test")
    with pytest.raises(IndexError):
        images[5]
    assert len([*pickle.loads(pickle.dumps(images))]) == 5  # images can be sent to worker processes


LAYOUTS: dict[str, Callable[[Path], Path]] = {
    "folder": lambda folder: touch(folder, *(f"{i % 7}/{i}.png" for i in range(60))),
    "celeba": lay_out_celeba,
    "celeba_hq": lambda folder: touch(folder, *(f"{s}/{i}.png" for s in ("train", "test") for i in range(12))),
    "ffhq": lambda folder: touch(folder, *(f"{i:05d}.png" for i in range(0, 70_000, 2500))),
    "places2": lambda folder: touch(folder, *(f"{s}/{i}.png" for s in ("train", "val") for i in range(12))),
    "paris_streetview": lambda folder: touch(folder, "paris_train_original/1.png", "paris_eval_gt/1.png"),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_train_and_test_share_no_image(tmp_path: Path, name: str) -> None:
    train, test = split_names(name, LAYOUTS[name](tmp_path))
    assert train and test
    assert len({*train, *test}) == len(train) + len(test)


@pytest.mark.parametrize("name", LAYOUTS)
def test_opening_twice_gives_the_same(tmp_path: Path, name: str) -> None:
    folder = LAYOUTS[name](tmp_path)
    assert split_names(name, folder) == split_names(name, folder)


def test_a_fresh_process_gives_the_same_order(tmp_path: Path) -> None:
    """The copy is written in the opposite order, and the process has another seed for Python's own hashes."""
    for i in reversed(range(60)):
        touch(tmp_path / "copy", f"{i % 7}/{i}.png")
    code = (
        "import json, sys; from pathlib import Path; from bench_datasets.folder import open_split;"
        "print(json.dumps([[*open_split(Path(sys.argv[1]), split).names] for split in ('train', 'test')]))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "copy")]
    run = subprocess.run(command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": "5"})
    here = split_names("folder", LAYOUTS["folder"](tmp_path / "here"))
    assert json.loads(run.stdout) == list(here)
