"""Tests of the digest cache, which returns what decoding the images again would return."""

import os
import time
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.mask_sets import small_protocol

from bench_core import seeds
from bench_core.data import digest_cache, listing_cache
from bench_core.data.digest_cache import DigestTable
from bench_core.data.pairs import TrainPairs
from bench_core.data.pixel_cache import PixelCache
from bench_core.data.validate import ValidatedImages, validate_images
from bench_core.images import Images
from bench_datasets import folder
from bench_datasets.folder import FileImages

NAMES = [f"{number}.png" for number in range(7)]
RULES = small_protocol()


@pytest.fixture
def caching(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache short lists too, and files that were written a moment ago."""
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    monkeypatch.setattr(listing_cache, "SETTLE_SECONDS", -1.0)


def pixels_of(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 256, (20, 24, 3), np.uint8)


@pytest.fixture
def images(tmp_path: Path) -> FileImages:
    (tmp_path / "images").mkdir()
    for number, name in enumerate(NAMES):
        Image.fromarray(pixels_of(number)).save(tmp_path / "images" / name)
    time.sleep(0.02)  # a tick of the file system's clock
    return FileImages(tmp_path / "images", NAMES)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record the names of decoded files."""
    names, read = [], folder.read_image
    monkeypatch.setattr(folder, "read_image", lambda path: (names.append(path.name), read(path))[1])
    return names


def validated(images: Images, num_images_drawn: int = 7, skip: bool = False, workers: int = 0) -> ValidatedImages:
    return validate_images(images, images, RULES, num_images_drawn, skip, None, workers)


@pytest.mark.usefixtures("caching")
def test_no_file_is_decoded_twice(images: FileImages, decoded: list[str]) -> None:
    before = validated(images, num_images_drawn=3)
    assert decoded[3:] == [name for name in NAMES if name not in decoded[:3]], "digests of the same run are reused"
    decoded.clear()
    again = validated(images, num_images_drawn=3)
    assert not decoded
    assert (again.train_digests, again.test_digest) == (before.train_digests, before.test_digest)
    assert again.notes == before.notes and "3 of 7 test images are also training images" in again.notes[0]
    assert list(again.test.names) == NAMES
    validated(FileImages(images.folder, NAMES[::-1]))
    assert not decoded, "other orders and longer lists of the same files hit the cache"


@pytest.mark.usefixtures("caching")
@pytest.mark.parametrize("set_back", [False, True])
def test_only_a_changed_file_is_decoded_again(images: FileImages, decoded: list[str], set_back: bool) -> None:
    before = validated(images)
    decoded.clear()
    times = os.stat(images.path(2))
    Image.fromarray(255 - pixels_of(2)).save(images.path(2))
    if set_back:
        os.utime(images.path(2), ns=(times.st_atime_ns, times.st_mtime_ns))
    after = validated(images)
    assert decoded == ["2.png"]
    assert {index for index in range(7) if after.train_digests[index] != before.train_digests[index]} == {2}
    assert after.test_digest != before.test_digest


def test_a_file_that_changed_a_moment_ago_is_not_cached(
    images: FileImages, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing_cache, "MIN_FILES_TO_CACHE", 1)
    for _ in range(2):
        validated(images)
    assert sorted(decoded) == sorted(4 * NAMES)


@pytest.mark.usefixtures("caching")
def test_bad_images_are_reported_every_time(images: FileImages) -> None:
    images.path(1).write_bytes(b"not an image")
    for _ in range(2):
        found = validated(images, skip=True)
        assert "1.png" in found.skipped[0] and len(found.test) == 6 and 1 not in found.train_digests


@pytest.mark.usefixtures("caching")
def test_digests_computed_before_an_interruption_are_cached(
    images: FileImages, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest_cache, "SAVE_EVERY", 2)
    with monkeypatch.context() as patched:
        read = folder.read_image
        patched.setattr(folder, "read_image", lambda path: read(path) if path.name != "5.png" else 1 / 0)
        with pytest.raises(ZeroDivisionError):
            validated(images)
    decoded.clear()
    validated(images)
    assert decoded == NAMES[4:]


@pytest.mark.usefixtures("caching")
@pytest.mark.parametrize("damage", [b"", b"no array", None])
def test_a_damaged_or_unwritable_cache_changes_no_result(
    images: FileImages, decoded: list[str], monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    before = validated(images)
    for path in listing_cache.folder().glob("digests/*"):
        path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    decoded.clear()
    assert validated(images).test_digest == before.test_digest and decoded == NAMES
    monkeypatch.setenv("BENCH_CACHE", str(images.path(0)))
    assert validated(images).test_digest == before.test_digest


@pytest.mark.usefixtures("caching")
def test_digests_in_the_pixel_cache_are_found_without_reading_a_file(
    images: FileImages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run() -> ValidatedImages:
        return validate_images(images, images, RULES, 7, False, PixelCache(tmp_path / "cached", RULES, 1.0))

    before = run()
    for name in ("read_bytes", "open"):
        opened = getattr(Path, name)
        monkeypatch.setattr(
            Path, name, lambda path, *a, opened=opened, **k: opened(path, *a, **k) if path.suffix != ".png" else 1 / 0
        )
    again = run()
    assert (again.train_digests, again.test_digest) == (before.train_digests, before.test_digest)
    np.testing.assert_array_equal(again.test[3], pixels_of(3))


@pytest.mark.parametrize("with_cache", [False, True])
def test_worker_processes_return_what_one_process_returns(images: FileImages, tmp_path: Path, with_cache: bool) -> None:
    images.path(1).write_bytes(b"not an image")
    images.path(5).write_bytes(images.path(2).read_bytes())
    alone = validated(images, skip=True)
    assert alone.notes and alone.copies == {"5.png": "2.png"}
    pixel_cache = PixelCache(tmp_path / "cached", RULES, 1.0) if with_cache else None
    several = validate_images(images, images, RULES, 7, True, pixel_cache, workers=2)
    assert (several.train_digests, several.test_digest) == (alone.train_digests, alone.test_digest)
    assert (several.skipped, several.notes, several.copies) == (alone.skipped, alone.notes, alone.copies)
    np.testing.assert_array_equal(several.test[1], pixels_of(2))


def test_the_digest_of_a_training_covers_all_images_it_draws(images: FileImages) -> None:
    images.path(1).write_bytes(b"not an image")
    found = validated(images, skip=True)

    def digest(index: int) -> str | None:
        content = b"(20, 24, 3)\0" + pixels_of(index).tobytes()
        return None if index == 1 else sha256(content).hexdigest()

    for num_images_drawn in (0, 3, 7, 20):
        for readable in (None, found.train_digests.indexes):
            pairs = TrainPairs(RULES, images, (), 0, readable)
            read = list(dict.fromkeys(pairs.image_at(position) for position in range(min(num_images_drawn, 7))))
            text = "7\0" + "".join(f"{index}\0{digest(index)}\0" for index in read)
            digests = found.drawn_digests(pairs, num_images_drawn)
            assert [int(count) for count in digests] == sorted({n for n in (1, 2, 4, len(read)) if 0 < n <= len(read)})
            assert not read or digests[str(len(read))] == sha256(text.encode()).hexdigest()
    named = {index: [NAMES[index], digest(index)] for index in range(7) if index != 1}
    assert found.test_digest == seeds.digest(named)


@given(st.dictionaries(st.integers(0, 10**6), st.binary(min_size=30, max_size=30)), st.lists(st.integers(0, 10**6)))
def test_a_digest_table_behaves_like_a_dict(found: dict[int, bytes], others: list[int]) -> None:
    found = {index: of + b"\0\0" for index, of in found.items()}  # numpy strips trailing zeros
    records = {index: (of,) for index, of in found.items()}
    digests = DigestTable.from_items(records.items())
    assert digests == {index: of.hex() for index, of in found.items()}
    assert list(digests) == sorted(found)
    halves = [{index: of for index, of in records.items() if index % 2 == odd} for odd in (0, 1)]
    assert DigestTable.from_items(halves[0].items()) | DigestTable.from_items(halves[1].items()) == digests
    asked = np.array([*found, *others], np.int64)
    assert list(digests.lookup(asked)) == [(index, digests.get(index)) for index in asked.tolist()]
