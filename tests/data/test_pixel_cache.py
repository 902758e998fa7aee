"""Tests of the pixel cache, which returns what decoding the image files again would return."""

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import Result
from PIL import Image
from support.mask_sets import open_mask_set, small_protocol

from bench_core.data.loader import TimedIterator
from bench_core.data.pairs import TestPairs, TrainPairs, scaled
from bench_core.data.pixel_cache import CachedImages, PixelCache
from bench_core.data.validate import ValidatedImages, validate_images
from bench_core.errors import BadInput
from bench_core.images import BadImage
from bench_core.protocol import Protocol
from bench_core.store.store import Store, read_runs
from bench_datasets import folder as image_folder
from bench_datasets.folder import FileImages

NAMES = ["a.png", "b.jpg", "deep/c.png", "grey.png", "small.png"]
SHAPES = [(40, 60, 3), (33, 32, 3), (50, 34, 3), (36, 36), (20, 24, 3)]


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    """Write images of several formats, the last one smaller than a crop."""
    for number, (name, shape) in enumerate(zip(NAMES, SHAPES, strict=True)):
        path = tmp_path / "images" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 256, shape, np.uint8)).save(path)
    return FileImages(tmp_path / "images", NAMES)


def rules(**fields: Any) -> Protocol:
    return small_protocol(size=32, **fields)


def validated(
    images: FileImages, folder: Path | None, max_gib: float = 1.0, skip: bool = False, **fields: Any
) -> ValidatedImages:
    protocol = rules(**fields)
    pixel_cache = PixelCache(folder, protocol, max_gib) if folder else None
    return validate_images(images, images, protocol, 3, skip, pixel_cache)


def forbid_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_folder, "read_image", lambda path: pytest.fail(f"{path} is decoded again"))


@pytest.mark.parametrize("scaling", [{}, {"resize": 38}, {"channels": 1}, {"crops": 3}], ids=str)
def test_cached_pairs_are_bitwise_equal(
    images: FileImages, tmp_path: Path, scaling: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    mask_set = open_mask_set("random_box")

    def content(found: ValidatedImages) -> list[bytes]:
        of_test = TestPairs(rules(**scaling), found.test, mask_set)
        of_train = TrainPairs(rules(**scaling), found.train, [mask_set], 0)
        pairs = [of_test[index] for index in range(len(of_test))] + [of_train[index] for index in (0, 2, 1, 0)]
        return [pair[name].numpy().tobytes() for pair in pairs for name in ("image", "hole")]

    plain = validated(images, None, **scaling)
    before = content(plain)
    assert content(validated(images, tmp_path / "cached", **scaling)) == before
    forbid_decoding(monkeypatch)
    again = validated(images, tmp_path / "cached", **scaling)
    assert content(again) == before
    assert (again.test_digest, again.train_digests) == (plain.test_digest, plain.train_digests)
    assert list(again.test.names) == list(plain.test.names)


def test_a_new_image_under_the_same_name_is_decoded(images: FileImages, tmp_path: Path):
    before = validated(images, tmp_path / "cached")
    Image.new("RGB", (40, 40), "red").save(images.path(0))
    after = validated(images, tmp_path / "cached")
    assert after.test_digest != before.test_digest
    assert (after.test[0] == [255, 0, 0]).all()


def test_each_scaling_of_an_image_is_cached_separately(images: FileImages, tmp_path: Path):
    small, large = (validated(images, tmp_path / "cached", resize=resize).test[0].shape for resize in (33, 39))
    assert (min(small[:2]), min(large[:2])) == (33, 39)


@pytest.mark.parametrize("at", [1, 4])
def test_an_interrupted_write_leaves_nothing_and_the_next_one_succeeds(
    images: FileImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
):
    read = image_folder.read_image

    def interrupted(path: Path) -> np.ndarray:
        if path == images.path(at):
            raise KeyboardInterrupt
        return read(path)

    with monkeypatch.context() as patched:
        patched.setattr(image_folder, "read_image", interrupted)
        with pytest.raises(KeyboardInterrupt):
            validate_images(images, images, rules(), 0, False, PixelCache(tmp_path / "cached", rules(), 1.0))
    assert not list((tmp_path / "cached").iterdir())
    assert isinstance(validated(images, tmp_path / "cached").train, CachedImages)


ALL_SQUARE = 5 * 32 * 32 * 3
EXACT = 3 * (40 * 60 + 33 * 32 + 50 * 34 + 36 * 36 + 32 * 38)


@pytest.mark.parametrize(
    ("max_bytes", "fits"), [(ALL_SQUARE - 1, False), (ALL_SQUARE + 1, False), (EXACT - 1, False), (EXACT, True)]
)
def test_images_that_are_too_large_are_not_cached_and_a_message_says_so(
    images: FileImages, tmp_path: Path, capsys: pytest.CaptureFixture[str], max_bytes: int, fits: bool
):
    """Too little space for square images, for other images, for the last byte, and just enough."""
    pixel_cache = PixelCache(tmp_path / "cached", rules(), max_bytes / 2**30)
    found = validate_images(images, images, rules(), 0, False, pixel_cache)
    assert found.test_digest == validated(images, None).test_digest
    assert len(list((tmp_path / "cached").glob("*"))) == (2 if fits else 0)
    assert ("not cached" in capsys.readouterr().err) is not fits


def test_bad_images_are_reported_every_time_and_the_others_are_cached(images: FileImages, tmp_path: Path):
    images.path(1).write_bytes(b"not an image")
    plain = validated(images, None, skip=True)
    for _ in range(2):
        found = validated(images, tmp_path / "cached", skip=True)
        assert found == replace(plain, train=found.train, test=found.test)
        assert "b.jpg" in found.skipped[0] and len(found.skipped) == len(plain.skipped)
        assert len(found.test) == 4
        with pytest.raises(BadImage, match=r"b\.jpg"):
            found.train[1]
    with pytest.raises(BadInput, match=r"b\.jpg"):
        validated(images, tmp_path / "cached")


def test_a_truncated_cache_file_is_written_again(images: FileImages, tmp_path: Path):
    before = validated(images, tmp_path / "cached").test[4].copy()
    for path in (tmp_path / "cached").glob("*.pixels"):
        path.write_bytes(path.read_bytes()[:-5])
    np.testing.assert_array_equal(validated(images, tmp_path / "cached").test[4], before)


@pytest.mark.parametrize("kind", ["*.pixels", "*.npz"])
def test_damaged_cache_entries_are_decoded_again(images: FileImages, tmp_path: Path, kind: str):
    before = validated(images, tmp_path / "cached")
    pixels, random = [before.test[index].copy() for index in range(len(images))], np.random.default_rng(0)
    intact = {path: path.read_bytes() for path in (tmp_path / "cached").iterdir()}
    damaged = max((path for path in intact if path.match(kind)), key=lambda path: len(intact[path]))
    for place in random.integers(0, len(intact[damaged]), 60):
        for path, content in intact.items():
            path.write_bytes(content)
        changed = bytearray(intact[damaged])
        changed[place] ^= 1 << int(random.integers(8))
        damaged.write_bytes(changed)
        found = validated(images, tmp_path / "cached")
        for index, expected in enumerate(pixels):
            np.testing.assert_array_equal(scaled(found.test[index], rules()), expected)
        assert (found.test_digest, found.train_digests) == (before.test_digest, before.train_digests)
    validated(images, tmp_path / "cached")
    pixels_of = damaged.with_suffix(".pixels")
    assert pixels_of.read_bytes() == intact[pixels_of], "the cache is written again"


Bench = Callable[..., Result]


def rows(out: Path) -> pd.DataFrame:
    store, runs = read_runs(out)
    return Store.rows(store, runs[-1])


def test_a_second_run_decodes_nothing_and_its_rows_equal_those_without_a_cache(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    bench("--plugins", "pconv", "--image-cache", "0", out="plain")
    assert not (tmp_path / "plain" / "decoded").exists()
    bench("--plugins", "glcic", "--test-masks", "center")
    forbid_decoding(monkeypatch)
    bench("--plugins", "pconv")
    pd.testing.assert_frame_equal(rows(tmp_path / "out"), rows(tmp_path / "plain"), check_exact=True)


def waiting_share(out: Path) -> float:
    (path,) = out.glob("cells/pconv-*/provenance/training.json")
    return json.loads(path.read_text())["waiting_share"]


def test_a_training_records_its_share_of_waiting(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    bench("--plugins", "pconv", "--no-baselines", out="quick")
    read = image_folder.read_image
    monkeypatch.setattr(image_folder, "read_image", lambda path: (time.sleep(0.2), read(path))[1])
    bench("--plugins", "pconv", "--no-baselines", "--image-cache", "0", out="slow")
    assert 0 < waiting_share(tmp_path / "quick") < waiting_share(tmp_path / "slow") < 1


def test_only_waiting_is_timed():
    def slow():
        for number in range(3):
            time.sleep(0.05)
            yield number

    timed = TimedIterator(slow())
    for number, found in enumerate(timed):
        assert found == number
        time.sleep(0.2)
    assert 0.15 <= timed.seconds < 0.3
