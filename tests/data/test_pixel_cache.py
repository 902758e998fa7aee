"""Laws of decoded images on disk: nobody can tell them from decoding anew, but for the time that it takes."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from PIL import Image

from bench_core.data import validate
from bench_core.data.loader import TimedIterator
from bench_core.data.pairs import TestPairs, TrainPairs, scaled
from bench_core.data.pixel_cache import CachedImages, PixelCache
from bench_core.data.validate import ValidatedImages
from bench_core.errors import BadInput
from bench_core.images import BadImage
from bench_core.masks.mask_set import open_sets
from bench_core.protocol import Protocol
from bench_core.store.store import Store, read_runs
from bench_datasets import file_images
from bench_datasets.file_images import FileImages
from bench_masks import bench_masks

NAMES = ["a.png", "b.jpg", "deep/c.png", "grey.png", "small.png"]
SHAPES = [(40, 60, 3), (33, 32, 3), (50, 34, 3), (36, 36), (20, 24, 3)]


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    """Files of several kinds, the last one smaller than a crop."""
    for number, (name, shape) in enumerate(zip(NAMES, SHAPES, strict=True)):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, shape, np.uint8)).save(path)
    return FileImages(tmp_path / "images", NAMES)


def rules(**fields: Any) -> Protocol:
    masks = {"box": {"family": "random_box"}}
    given = {"name": "mine", "image_set": "mine", "size": 32, "steps": 1, "batch": 1, "metrics": ["l1"]}
    return Protocol.model_validate(given | {"masks": masks} | fields)


def checked(
    images: FileImages, folder: Path | None, most: float = 1.0, skip: bool = False, **of: Any
) -> ValidatedImages:
    protocol = rules(**of)
    shelf = PixelCache(folder, protocol, most) if folder else None
    return validate.check(images, images, protocol, 3, skip, shelf)


def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_images, "read_image", lambda path: pytest.fail(f"{path} is decoded again"))


@pytest.mark.parametrize("cut", [{}, {"resize": 38}, {"channels": 1}, {"crops": 3}], ids=str)
def test_pairs_are_the_same_to_the_last_bit(
    images: FileImages, tmp_path: Path, cut: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    holes = open_sets(rules().masks, {family.name: family for family in bench_masks()})["box"]

    def content(found: ValidatedImages) -> list[bytes]:
        of_test = TestPairs(rules(**cut), found.test, holes)
        of_train = TrainPairs(rules(**cut), found.train, [holes], 0)
        pairs = [of_test[index] for index in range(len(of_test))] + [of_train[index] for index in (0, 2, 1, 0)]
        return [pair[name].numpy().tobytes() for pair in pairs for name in ("image", "hole")]

    plain = checked(images, None, **cut)
    before = content(plain)
    assert content(checked(images, tmp_path / "kept", **cut)) == before
    no_decoding(monkeypatch)
    again = checked(images, tmp_path / "kept", **cut)
    assert content(again) == before
    assert (again.test_digest, again.train_digests) == (plain.test_digest, plain.train_digests)
    assert list(again.test.names) == list(plain.test.names)


def test_another_picture_under_the_same_name_is_decoded(images: FileImages, tmp_path: Path):
    before = checked(images, tmp_path / "kept")
    Image.new("RGB", (40, 40), "red").save(images.path(0))
    after = checked(images, tmp_path / "kept")
    assert after.test_digest != before.test_digest
    assert (after.test[0] == [255, 0, 0]).all()


def test_another_cut_of_the_same_pictures_is_another_file(images: FileImages, tmp_path: Path):
    small, large = (checked(images, tmp_path / "kept", resize=resize).test[0].shape for resize in (33, 39))
    assert (min(small[:2]), min(large[:2])) == (33, 39)


@pytest.mark.parametrize("at", [1, 4])
def test_an_interrupted_write_leaves_nothing_and_the_next_one_succeeds(
    images: FileImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
):
    read = file_images.read_image

    def interrupted(path: Path) -> np.ndarray:
        if path == images.path(at):
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr(file_images, "read_image", interrupted)
        with pytest.raises(KeyboardInterrupt):
            validate.check(images, images, rules(), 0, False, PixelCache(tmp_path / "kept", rules(), 1.0))
    assert not list((tmp_path / "kept").iterdir())
    assert isinstance(checked(images, tmp_path / "kept").train, CachedImages)


SQUARES = 5 * 32 * 32 * 3
WHOLE = 3 * (40 * 60 + 33 * 32 + 50 * 34 + 36 * 36 + 32 * 38)


@pytest.mark.parametrize(
    ("most", "fits"), [(SQUARES - 1, False), (SQUARES + 1, False), (WHOLE - 1, False), (WHOLE, True)]
)
def test_what_is_too_large_is_not_kept_and_it_is_said(
    images: FileImages, tmp_path: Path, capsys: pytest.CaptureFixture[str], most: int, fits: bool
):
    """Too little room for squares, for images that are no squares, for the last bytes, and just enough."""
    shelf = PixelCache(tmp_path / "kept", rules(), most / 2**30)
    found = validate.check(images, images, rules(), 0, False, shelf)
    assert found.test_digest == checked(images, None).test_digest
    assert len(list((tmp_path / "kept").glob("*"))) == (2 if fits else 0)
    assert ("not kept" in capsys.readouterr().err) is not fits


def test_bad_images_are_told_every_time_and_the_others_are_kept(images: FileImages, tmp_path: Path):
    images.path(1).write_bytes(b"no picture")
    plain = checked(images, None, skip=True)
    for _ in range(2):
        found = checked(images, tmp_path / "kept", skip=True)
        assert found == ValidatedImages(found.train, found.test, plain.train_digests, plain.test_digest, plain.skipped)
        assert "b.jpg" in found.skipped[0] and len(found.skipped) == len(plain.skipped)
        assert len(found.test) == 4
        with pytest.raises(BadImage, match=r"b\.jpg"):
            found.train[1]
    with pytest.raises(BadInput, match=r"b\.jpg"):
        checked(images, tmp_path / "kept")


def test_a_file_that_was_cut_off_is_written_anew(images: FileImages, tmp_path: Path):
    before = checked(images, tmp_path / "kept").test[4].copy()
    for path in (tmp_path / "kept").glob("*.pixels"):
        path.write_bytes(path.read_bytes()[:-5])
    np.testing.assert_array_equal(checked(images, tmp_path / "kept").test[4], before)


@pytest.mark.parametrize("kind", ["*.pixels", "*.npz"])
def test_what_has_changed_on_disk_is_decoded_again(images: FileImages, tmp_path: Path, kind: str):
    before = checked(images, tmp_path / "kept")
    pixels, random = [before.test[index].copy() for index in range(len(images))], np.random.default_rng(0)
    kept = {path: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    damaged = max((path for path in kept if path.match(kind)), key=lambda path: len(kept[path]))  # of the test images
    for place in random.integers(0, len(kept[damaged]), 60):
        for path, content in kept.items():
            path.write_bytes(content)
        changed = bytearray(kept[damaged])
        changed[place] ^= 1 << int(random.integers(8))
        damaged.write_bytes(changed)
        found = checked(images, tmp_path / "kept")
        for index, expected in enumerate(pixels):
            np.testing.assert_array_equal(scaled(found.test[index], rules()), expected)
        assert (found.test_digest, found.train_digests) == (before.test_digest, before.train_digests)
    checked(images, tmp_path / "kept")
    pixels_of = damaged.with_suffix(".pixels")
    assert pixels_of.read_bytes() == kept[pixels_of], "they are kept anew"


Bench = Callable[..., Result]


def rows(out: Path) -> pd.DataFrame:
    store, runs = read_runs(out)
    return Store.rows(store, runs[-1])


def test_a_second_run_decodes_nothing_and_its_rows_are_those_without_keeping(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bench("--plugins", "pconv", "--image-cache", "0", out="plain")
    assert not (tmp_path / "plain" / "decoded").exists()
    bench("--plugins", "glcic", "--test-masks", "center")
    no_decoding(monkeypatch)
    bench("--plugins", "pconv")
    pd.testing.assert_frame_equal(rows(tmp_path / "out"), rows(tmp_path / "plain"), check_exact=True)


def waiting_share(out: Path) -> float:
    (path,) = out.glob("cells/pconv-*/provenance/training.json")
    return json.loads(path.read_text())["waiting_share"]


def test_a_training_tells_how_long_it_waited_for_images(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bench("--plugins", "pconv", "--no-baselines", out="quick")
    read = file_images.read_image
    monkeypatch.setattr(file_images, "read_image", lambda path: (time.sleep(0.2), read(path))[1])
    bench("--plugins", "pconv", "--no-baselines", "--image-cache", "0", out="slow")
    assert 0 < waiting_share(tmp_path / "quick") < waiting_share(tmp_path / "slow") < 1


def test_waiting_is_counted_and_nothing_else():
    def slow():
        for number in range(3):
            time.sleep(0.05)
            yield number

    waited = TimedIterator(slow())
    for number, found in enumerate(waited):
        assert found == number
        time.sleep(0.2)
    assert 0.15 <= waited.seconds < 0.3
