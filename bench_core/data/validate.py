"""Decode every image that a run needs before it begins, so that a broken file fails early."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any

import numpy as np

from bench_core.data import copies
from bench_core.data.decode import DecodedImage, decode_all
from bench_core.data.digest_cache import DigestTable, cached_digests
from bench_core.data.fingerprint import FINGERPRINT
from bench_core.data.image_notes import image_notes
from bench_core.data.pairs import TrainPairs
from bench_core.data.pixel_cache import PixelCache
from bench_core.data.string_table import StringTable
from bench_core.errors import BadInput
from bench_core.images import Array, ImageFiles, Images
from bench_core.protocol import Protocol
from bench_core.system.progress import ProgressBar, progress_bar

MAX_LISTED = 5
"""Maximum number of bad images in an error message."""


@dataclass
class Subset:
    """Some images of a split, in the order of `indexes`."""

    images: Images
    indexes: Sequence[int]
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = StringTable.from_strings(self.images.names[index] for index in self.indexes)

    def __len__(self) -> int:
        return len(self.indexes)

    def __getitem__(self, index: int) -> Array:
        return self.images[self.indexes[index]]


@dataclass(frozen=True)
class ValidatedImages:
    """Training and test images that can be decoded."""

    train: Images
    test: Images
    train_digests: DigestTable
    """The sha256 of the pixels of every training image that will be read, by index."""
    test_digest: str
    """The sha256 of names and pixels of all test images."""
    skipped: tuple[str, ...] = ()
    """Error message of each skipped image."""
    notes: tuple[str, ...] = ()
    """Sentences for readers of the tables: test images that are also training images, copies, enlarged images."""
    copies: Mapping[str, str] = field(default_factory=dict)
    """The name of each test image that is a copy or near duplicate, and of the first test image of its group."""

    def drawn_digests(self, pairs: TrainPairs, num_images_drawn: int) -> dict[str, str]:
        """Return the sha256 of the images that one training draws first.

        Two trainings of one seed saw the same images if the digests of all counts that both have are equal, even if one
        drew more.

        Returns:
            The sha256 of the first 1, 2, 4, 8 ... images, and of all, by their number as text.
        """
        order = pairs.drawn_images(num_images_drawn)
        summary, digests = sha256(f"{len(self.train)}\0".encode()), {}
        for count, (index, digest) in enumerate(self.train_digests.lookup(order), start=1):
            summary.update(f"{index}\0{digest}\0".encode())
            if count.bit_count() == 1 or count == len(order):
                digests[str(count)] = summary.hexdigest()
        return digests


def _json_digest(opening: str, entries: Iterator[str], closing: str) -> str:
    """Return what `seeds.digest` returns for a list or dict, with one entry in memory at a time."""
    hasher, comma = sha256(opening.encode()), ""
    for entry in entries:
        hasher.update((comma + entry).encode())
        comma = ","
    hasher.update(closing.encode())
    return hasher.hexdigest()


def validate_images(
    train: Images,
    test: Images,
    protocol: Protocol,
    num_images_drawn: int,
    skip_bad: bool,
    pixel_cache: PixelCache | None = None,
    workers: int = 0,
) -> ValidatedImages:
    """Decode the test images and the training images at the first `num_images_drawn` positions of every seed.

    Images are read from the pixel cache if they are in it, else decoded and added to it. If a list does not fit into
    the pixel cache, images whose files did not change since they were last decoded are not decoded again.

    Args:
        skip_bad: leave out images that cannot be decoded.
        workers: number of worker processes; 0 decodes in this process.

    Raises:
        BadInput: an image cannot be decoded and `skip_bad` is not set, or no image is left.
    """
    orders = [TrainPairs(protocol, train, (), seed).drawn_images(num_images_drawn) for seed in protocol.seeds]
    to_train = np.unique(np.concatenate(orders))
    to_test = np.arange(len(test))[: protocol.test_images]
    with progress_bar("checking images", len(to_train) + len(to_test)) as progress:
        validation = _Validation(pixel_cache, workers, progress)
        read_train, train_digests = validation.run(train, to_train)
        test, test_digests = validation.run(test, to_test)
        if skip_bad:
            train_digests = validation.add_stand_ins(train, to_train, train_digests)
    errors = validation.errors
    if errors and not skip_bad:
        rest = f"\n... and {len(errors) - MAX_LISTED} more" if len(errors) > MAX_LISTED else ""
        advice = "\nRepair or remove these files, or skip them with --skip-bad-images."
        raise BadInput("\n".join(errors[:MAX_LISTED]) + rest + advice)
    for purpose, needed, digests in (("train", to_train, train_digests), ("evaluate", to_test, test_digests)):
        if len(needed) and not digests:
            raise BadInput(f"No image that can be decoded is left to {purpose} with.")
    chosen = Subset(test, test_digests.indexes.tolist())
    names, groups = list(chosen.names), copies.groups(test_digests)

    def train_name(row: int) -> str:
        return train.names[int(train_digests.indexes[row])]

    return ValidatedImages(
        read_train,
        chosen,
        train_digests,
        _test_digest(names, test_digests),
        tuple(errors),
        tuple(image_notes(protocol, train_digests, test_digests, groups, train_name, names.__getitem__)),
        {names[row]: names[first] for row, first in enumerate(groups.tolist()) if row != first},
    )


def _test_digest(names: Sequence[str], digests: DigestTable) -> str:
    found = zip(digests.lookup(digests.indexes), names, strict=True)
    entries = (f'"{index}":[{json.dumps(name)},"{digest}"]' for (index, digest), name in found)
    return _json_digest("{", entries, "}")


@dataclass
class _Validation:
    """Validation in progress: its settings, the number of images done, and the errors so far."""

    pixel_cache: PixelCache | None
    workers: int
    progress: ProgressBar
    errors: list[str] = field(default_factory=list)
    done: int = 0

    def run(self, images: Images, indexes: np.ndarray) -> tuple[Images, DigestTable]:
        """Return the images, read from the pixel cache where possible, and the digests of the readable ones."""
        before, cache = self.done, self.pixel_cache
        if cache and isinstance(images, ImageFiles) and len(indexes) and cache.fits(len(indexes)):
            images, digests = self._through(cache, images, indexes)
        else:
            digests = self._fingerprints(images, indexes, lambda hits: self._skip_to(before + hits))
        self._skip_to(before + len(indexes))
        self.progress(self.done)
        return images, digests

    def _through(self, cache: PixelCache, images: ImageFiles, indexes: np.ndarray) -> tuple[Images, DigestTable]:
        if cached := cache.load(images, indexes):
            missing = np.setdiff1d(indexes, cached.digests.indexes)
            self._skip_to(self.done + len(indexes) - len(missing))
            return cached, cached.digests | self._decode(images, missing)
        found: list[tuple[int, tuple[Any, ...]]] = []

        def decode() -> Iterator[DecodedImage]:
            for each in self._readable(images, indexes, with_pixels=True):
                found.append((each.index, each.fingerprint or ()))
                yield each

        decoded = decode()
        cached = cache.store(images, indexes, decoded)
        for _ in decoded:  # the images that the cache had no space for
            pass
        return cached or images, DigestTable.from_items(found, FINGERPRINT)

    def add_stand_ins(self, images: Images, wanted: np.ndarray, digests: DigestTable) -> DigestTable:
        """Add the digests of the images that `TrainPairs` reads in place of unreadable ones."""
        tried, unreadable = wanted, np.setdiff1d(wanted, digests.indexes)
        while len(unreadable) and (len(digests) or len(tried) < len(images)):
            following = np.unique((unreadable + 1) % len(images))
            digests |= self._fingerprints(images, np.setdiff1d(following, tried))
            tried = np.union1d(tried, following)
            unreadable = np.setdiff1d(following, digests.indexes)
        return digests

    def _fingerprints(
        self, images: Images, indexes: np.ndarray, on_hit: Callable[[int], None] = lambda hits: None
    ) -> DigestTable:
        compute = partial(self._items, images)
        return cached_digests("fingerprint", images, indexes, compute, on_hit, FINGERPRINT)

    def _decode(self, images: Images, indexes: np.ndarray) -> DigestTable:
        return DigestTable.from_items(self._items(images, indexes), FINGERPRINT)

    def _items(self, images: Images, indexes: np.ndarray) -> Iterator[tuple[int, tuple[Any, ...]]]:
        return ((each.index, each.fingerprint or ()) for each in self._readable(images, indexes, with_pixels=False))

    def _readable(self, images: Images, indexes: np.ndarray, with_pixels: bool) -> Iterator[DecodedImage]:
        for decoded in decode_all(images, indexes, self.workers, with_pixels):
            self.done += 1
            self.progress(self.done)
            if decoded.error:
                self.errors.append(decoded.error)
            else:
                yield decoded

    def _skip_to(self, done: int) -> None:
        """Count images that took no time, so that they do not distort the rate."""
        self.done = done
        self.progress.skip_to(done)
