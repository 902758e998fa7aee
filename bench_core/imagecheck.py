"""Looking at every image that a run will need before the run begins."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from bench_core.decoded import Shelf
from bench_core.errors import BadInput
from bench_core.images import Array, BadImage, ImageFiles, Images
from bench_core.pairs import TrainPairs
from bench_core.progress import tracking
from bench_core.protocol import Protocol
from bench_core.seeds import digest

LISTED = 5


@dataclass
class Subset:
    """Some images of a split."""

    images: Images
    indexes: Sequence[int]
    names: Sequence[str] = field(init=False)

    def __post_init__(self) -> None:
        self.names = [self.images.names[index] for index in self.indexes]

    def __len__(self) -> int:
        return len(self.indexes)

    def __getitem__(self, index: int) -> Array:
        return self.images[self.indexes[index]]


@dataclass(frozen=True)
class CheckedImages:
    """Images that are known to be readable."""

    train: Images
    test: Images
    train_digests: dict[int, str]
    """The sha256 of name and pixels of every training image that will be drawn, by index."""
    test_digest: str
    """The sha256 of names and pixels of all test images."""
    skipped: tuple[str, ...] = ()
    """Why images were skipped."""

    def drawn_digest(self, pairs: TrainPairs, draws: int) -> str:
        """The sha256 of the training images that one training draws."""
        found = [(index, self.train_digests.get(index)) for index in drawn(pairs, draws)]
        return digest([len(self.train), found])


def drawn(pairs: TrainPairs, draws: int) -> list[int]:
    """Indexes of the images that the first `draws` positions take."""
    return sorted({pairs.image_at(position) for position in range(min(draws, len(pairs.images)))})


def check(
    train: Images, test: Images, protocol: Protocol, draws: int, skip_bad: bool, shelf: Shelf | None = None
) -> CheckedImages:
    """Decode the test images, and those training images that the first `draws` of any seed will take.

    What lies decoded on the shelf is taken from there, and what does not is kept there.

    Raises:
        BadInput: an image cannot be decoded and `skip_bad` is not set, or no image is left.
    """
    orders = [TrainPairs(protocol, train, (), seed) for seed in protocol.seeds]
    to_train = sorted({index for pairs in orders for index in drawn(pairs, draws)})
    to_test = list(range(len(test)))[: protocol.test_images]
    bad: list[str] = []
    with tracking("checking images", len(to_train) + len(to_test)) as tell:
        train, train_digests = _looked_at(train, to_train, bad, lambda count: tell(count, ""), shelf)
        test, test_digests = _looked_at(test, to_test, bad, lambda count: tell(len(to_train) + count, ""), shelf)
    if bad and not skip_bad:
        rest = f"\n... and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
        raise BadInput(
            "\n".join(bad[:LISTED]) + rest + "\nMend or remove such files, or leave them out with --skip-bad-images."
        )
    for purpose, needed, good in (("train", to_train, train_digests), ("judge", to_test, test_digests)):
        if needed and not good:
            raise BadInput(f"Not one image that can be decoded is left to {purpose} with.")
    return CheckedImages(train, Subset(test, list(test_digests)), train_digests, digest(test_digests), tuple(bad))


def _looked_at(
    images: Images, indexes: list[int], bad: list[str], tell: Callable[[int], None], shelf: Shelf | None
) -> tuple[Images, dict[int, str]]:
    """The images, from the shelf where they are kept, and the digests of those that can be read."""
    if shelf is None or not indexes or not isinstance(images, ImageFiles):
        return images, {index: found for index, _, found in _decoded(images, indexes, bad, tell)}
    kept = shelf.find(images, indexes)
    digests = {index: place.digest for index, place in kept.places.items()} if kept else {}
    missing = [index for index in indexes if index not in digests]
    decoded = _recorded(_decoded(images, missing, bad, tell), digests)
    if kept is None:
        kept = shelf.fill(images, indexes, decoded)
    for _ in decoded:  # those that the shelf did not take
        pass
    tell(len(indexes))
    return (images if kept is None else kept), digests


def _decoded(
    images: Images, indexes: list[int], bad: list[str], tell: Callable[[int], None]
) -> Iterator[tuple[int, Array, str]]:
    """Every image that can be read, with its index and the sha256 of its name and pixels."""
    for count, index in enumerate(indexes, start=1):
        try:
            pixels = images[index]
            name = f"{images.names[index]}\0{pixels.shape}\0".encode()
            yield index, pixels, sha256(name + pixels.tobytes()).hexdigest()
        except BadImage as error:
            bad.append(str(error))
        tell(count)


def _recorded(decoded: Iterator[tuple[int, Array, str]], digests: dict[int, str]) -> Iterator[tuple[int, Array, str]]:
    for index, pixels, found in decoded:
        digests[index] = found
        yield index, pixels, found
