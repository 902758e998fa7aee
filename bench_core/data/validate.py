"""Looking at every image that a run will need before the run begins."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import numpy as np

from bench_core.data.decode import DecodedImage, look
from bench_core.data.digest_cache import cached_digests
from bench_core.data.digests import DigestTable
from bench_core.data.pairs import TrainPairs
from bench_core.data.pixel_cache import PixelCache
from bench_core.data.string_table import StringTable
from bench_core.errors import BadInput
from bench_core.images import Array, ImageFiles, Images
from bench_core.protocol import Protocol
from bench_core.system.progress import ProgressBar, progress_bar

MAX_LISTED = 5


@dataclass
class Subset:
    """Some images of a split."""

    images: Images
    indexes: Sequence[int]
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = StringTable.of(self.images.names[index] for index in self.indexes)

    def __len__(self) -> int:
        return len(self.indexes)

    def __getitem__(self, index: int) -> Array:
        return self.images[self.indexes[index]]


@dataclass(frozen=True)
class ValidatedImages:
    """Images that are known to be readable."""

    train: Images
    test: Images
    train_digests: DigestTable
    """The sha256 of name and pixels of every training image that will be drawn, by index."""
    test_digest: str
    """The sha256 of names and pixels of all test images."""
    skipped: tuple[str, ...] = ()
    """Why images were skipped."""

    def drawn_digest(self, pairs: TrainPairs, num_images_drawn: int) -> str:
        """The sha256 of [how many there are, [[index, digest], ...]] of the images that one training draws."""
        found = self.train_digests.among(pairs.drawn(num_images_drawn))
        entries = (f'[{index},"{of}"]' if of else f"[{index},null]" for index, of in found)
        return _digest_of_json(f"[{len(self.train)},[", entries, "]]")


def _digest_of_json(opening: str, entries: Iterator[str], closing: str) -> str:
    """The sha256 of a list or dict, as `seeds.digest` has it, of which only one entry is in memory at a time."""
    summary, comma = sha256(opening.encode()), ""
    for entry in entries:
        summary.update((comma + entry).encode())
        comma = ","
    summary.update(closing.encode())
    return summary.hexdigest()


def check(
    train: Images,
    test: Images,
    protocol: Protocol,
    num_images_drawn: int,
    skip_bad: bool,
    shelf: PixelCache | None = None,
    workers: int = 0,
) -> ValidatedImages:
    """Decode the test images, and those training images that the first `num_images_drawn` of any seed will take.

    What lies decoded on the shelf is taken from there, and what does not is kept there. Of lists too long for the
    shelf, images whose files are as they were when they were last decoded are not decoded again.

    Args:
        workers: processes that decode; with 0 this one does.

    Raises:
        BadInput: an image cannot be decoded and `skip_bad` is not set, or no image is left.
    """
    orders = [TrainPairs(protocol, train, (), seed).drawn(num_images_drawn) for seed in protocol.seeds]
    to_train = np.unique(np.concatenate(orders))
    to_test = np.arange(len(test))[: protocol.test_images]
    bad: list[str] = []
    with progress_bar("checking images", len(to_train) + len(to_test)) as tell:
        looks = _Looking(shelf, workers, bad, tell)
        train, train_digests = looks.at(train, to_train)
        test, test_digests = looks.at(test, to_test)
    if bad and not skip_bad:
        rest = f"\n... and {len(bad) - MAX_LISTED} more" if len(bad) > MAX_LISTED else ""
        raise BadInput(
            "\n".join(bad[:MAX_LISTED])
            + rest
            + "\nMend or remove such files, or leave them out with --skip-bad-images."
        )
    for purpose, needed, good in (("train", to_train, train_digests), ("judge", to_test, test_digests)):
        if len(needed) and not good:
            raise BadInput(f"Not one image that can be decoded is left to {purpose} with.")
    entries = (f'"{index}":"{of}"' for index, of in test_digests.among(test_digests.indexes))
    test_digest = _digest_of_json("{", entries, "}")
    return ValidatedImages(train, Subset(test, test_digests.indexes.tolist()), train_digests, test_digest, tuple(bad))


@dataclass
class _Looking:
    """How images are looked at, and what came of it."""

    shelf: PixelCache | None
    workers: int
    bad: list[str]
    """Gains what is said of images that cannot be read."""
    tell: ProgressBar
    done: int = 0

    def at(self, images: Images, indexes: np.ndarray) -> tuple[Images, DigestTable]:
        """The images, from the shelf where they are kept, and the digests of those that can be read."""
        before = self.done
        if self.shelf and isinstance(images, ImageFiles) and len(indexes) and self.shelf.has_room(len(indexes)):
            images, digests = self._shelved(self.shelf, images, indexes)
        else:
            missing = partial(self._digests, images)
            digests = cached_digests(
                "name and pixels", images, indexes, missing, lambda known: self._had(before + known)
            )
        self._had(before + len(indexes))
        self.tell(self.done)
        return images, digests

    def _had(self, done: int) -> None:
        self.done = done
        self.tell.skip_to(done)

    def _shelved(self, shelf: PixelCache, images: ImageFiles, indexes: np.ndarray) -> tuple[Images, DigestTable]:
        if kept := shelf.find(images, indexes):
            missing = np.setdiff1d(indexes, kept.digests.indexes)
            self._had(self.done + len(indexes) - len(missing))
            return kept, kept.digests | DigestTable.of(self._digests(images, missing))
        noted: list[tuple[int, bytes]] = []
        seen = self._noted(images, indexes, noted)
        kept = shelf.fill(images, indexes, seen)
        for _ in seen:  # those that the shelf did not take
            pass
        return kept or images, DigestTable.of(noted)

    def _noted(self, images: Images, indexes: np.ndarray, noted: list[tuple[int, bytes]]) -> Iterator[DecodedImage]:
        for seen in self._good(images, indexes, keep=True):
            noted.append((seen.index, seen.digest))
            yield seen

    def _digests(self, images: Images, indexes: np.ndarray) -> Iterator[tuple[int, bytes]]:
        return ((seen.index, seen.digest) for seen in self._good(images, indexes, keep=False))

    def _good(self, images: Images, indexes: np.ndarray, keep: bool) -> Iterator[DecodedImage]:
        for seen in look(images, indexes, self.workers, keep):
            self.done += 1
            self.tell(self.done)
            if seen.problem:
                self.bad.append(seen.problem)
            else:
                yield seen
