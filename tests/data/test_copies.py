"""Tests of the search for copies and near duplicates, against comparing every pair."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from skimage import data

from bench_core.data import copies
from bench_core.data.digest_cache import DigestTable
from bench_core.data.fingerprint import FINGERPRINT, MIN_SIDE, fingerprint

PHOTOGRAPHS = ("astronaut", "camera", "chelsea", "coffee", "rocket", "gravel", "brick", "grass", "retina", "moon")


def table(images: Sequence[np.ndarray]) -> DigestTable:
    return DigestTable.from_items(((row, fingerprint(image)) for row, image in enumerate(images)), FINGERPRINT)


def flipped(hashes: np.ndarray, counts: Sequence[int], rng: np.random.Generator) -> np.ndarray:
    """Return hashes of which `counts[i]` bits differ: in even rows two or more in each of twelve words, else spread."""
    bits = np.unpackbits(hashes.view(np.uint8), axis=1)
    for row, count in enumerate(counts):
        words = rng.permutation(16) if row % 2 else np.arange(12)
        order = [word * 16 + bit for bit in rng.permutation(16) for word in words]
        bits[row, order[:count]] ^= 1
    return np.packbits(bits, axis=1).view(np.uint16)


@pytest.mark.parametrize("chunk", [1, 50, 1_000_000])
def test_all_pairs_of_close_hashes_are_found(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(copies, "_CHUNK", chunk)
    rng = np.random.default_rng(0)
    hashes = rng.integers(0, 2**16, (60, 16), dtype=np.uint16)
    hashes[7] = hashes[20]  # two rows with one hash
    others = rng.permutation(np.concatenate([flipped(hashes, range(60), rng), flipped(hashes, [24, 24, 25] * 20, rng)]))
    hashes[3], others[5] = 0, 0  # no hash
    differing = np.unpackbits((hashes[:, None] ^ others).view(np.uint8), axis=2).sum(axis=2)
    expected = np.argwhere((differing <= 24) & hashes.any(1, keepdims=True) & others.any(1))
    assert len(expected) > 50
    np.testing.assert_array_equal(copies.near_pairs(hashes, others), expected)
    for few, many in ((hashes[:0], others), (hashes, others[:0]), (hashes[:0], others[:0])):
        assert copies.near_pairs(few, many).shape == (0, 2)


def encoded_again(image: Image.Image, quality: int) -> Image.Image:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def changed(image: Image.Image) -> list[Image.Image]:
    width, height = image.size
    noise = np.random.default_rng(0).normal(0, 8, (height, width, 1))
    noisy = np.clip(np.asarray(image.convert("RGB")) + noise, 0, 255).astype(np.uint8)
    return [
        encoded_again(image, 30),
        image.resize((width // 2, height // 2)),
        image.resize((256, 256)),
        encoded_again(image.resize((width * 2, height * 2)), 75),
        image.convert("L").convert("RGB"),
        Image.fromarray(noisy),
        image.crop((width // 100, height // 100, width, height)),
    ]


def test_changed_photographs_are_near_duplicates_of_their_own_only() -> None:
    photographs = [Image.fromarray(getattr(data, name)()) for name in PHOTOGRAPHS]
    others = [(number, each) for number, photograph in enumerate(photographs) for each in changed(photograph)]
    known = table([np.atleast_3d(np.asarray(each)) for each in photographs])
    same, near = copies.matches(table([np.atleast_3d(np.asarray(each)) for _, each in others]), known)
    assert [number if row < 0 else row for (number, _), row in zip(others, same, strict=True)] == [n for n, _ in others]
    found = near[same < 0]
    expected = np.array([number for number, _ in others])[same < 0]
    assert set(found[found != expected]) <= {-1} and (found == expected).mean() > 0.95


def ramp(rows: int, columns: int) -> np.ndarray:
    down, right = np.mgrid[:128, :128]
    return (down * rows + right * columns)[..., None].astype(np.uint8)


def digit(seed: int) -> np.ndarray:
    """Draw some lines on black, as in an image of a digit."""
    strokes = np.zeros((128, 128, 1), np.uint8)
    for top, left in np.random.default_rng(seed).integers(20, 100, (3, 2)):
        strokes[top : top + 6, 20:108] = strokes[20:108, left : left + 6] = 255
    return strokes


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((128, 128, 3), np.uint8),
        np.full((128, 128, 1), 200, np.uint8),
        ramp(1, 0),
        ramp(0, 1),
        ramp(1, 1),
        digit(0),
        np.random.default_rng(0).integers(0, 256, (MIN_SIDE - 1, 200, 3), np.uint8),
    ],
)
def test_images_without_detail_have_no_perceptual_hash(image: np.ndarray) -> None:
    alike = np.minimum(image, 254)
    alike[0, 0] ^= 1
    assert fingerprint(image)[1] == bytes(32)
    assert (copies.matches(table([image]), table([alike]))[1] == -1).all()
    assert copies.matches(table([image]), table([alike, image]))[0].tolist() == [1], "pixels are compared"


def noise(seed: int, side: int = 20) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side + 4, 3), np.uint8)


def test_copies_are_found_by_pixels_and_shape() -> None:
    tall = noise(1).reshape(24, 20, 3)
    same, near = copies.matches(
        table([noise(0), noise(1), noise(2), tall]), table([noise(5), noise(2), noise(0), noise(0), noise(1)])
    )
    assert same.tolist() == [2, 4, 1, -1] and near.tolist() == [-1] * 4
    assert copies.matches(table([noise(0)]), table([]))[0].tolist() == [-1]
    assert copies.groups(table([])).tolist() == []


def test_a_group_holds_all_images_that_copies_and_near_duplicates_connect() -> None:
    camera, moon = (Image.fromarray(each()) for each in (data.camera, data.moon))
    small = [each.resize((256, 256)) for each in (camera, moon)]
    images = [moon, camera, small[0], small[1], camera, encoded_again(small[0], 50)]
    arrays = [np.asarray(image)[..., None] for image in images]
    assert copies.first_of_each(table(arrays)).tolist() == [0, 1, 2, 3, 1, 5]
    assert copies.groups(table(arrays)).tolist() == [0, 1, 1, 0, 1, 1]
