"""Looking at every image that a run will need before the run begins."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from bench_core.errors import BadInput
from bench_core.images import Array, BadImage, Images
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


def check(train: Images, test: Images, protocol: Protocol, draws: int, skip_bad: bool) -> CheckedImages:
    """Decode the test images, and those training images that the first `draws` of any seed will take.

    Raises:
        BadInput: an image cannot be decoded and `skip_bad` is not set, or no image is left.
    """
    orders = [TrainPairs(protocol, train, (), seed) for seed in protocol.seeds]
    to_train = sorted({index for pairs in orders for index in drawn(pairs, draws)})
    to_test = list(range(len(test)))[: protocol.test_images]
    bad: list[str] = []
    with tracking("checking images", len(to_train) + len(to_test)) as tell:
        train_digests = _digests(train, to_train, bad, lambda count: tell(count, ""))
        test_digests = _digests(test, to_test, bad, lambda count: tell(len(to_train) + count, ""))
    if bad and not skip_bad:
        rest = f"\n... and {len(bad) - LISTED} more" if len(bad) > LISTED else ""
        raise BadInput(
            "\n".join(bad[:LISTED]) + rest + "\nMend or remove such files, or leave them out with --skip-bad-images."
        )
    for purpose, needed, good in (("train", to_train, train_digests), ("judge", to_test, test_digests)):
        if needed and not good:
            raise BadInput(f"Not one image that can be decoded is left to {purpose} with.")
    return CheckedImages(train, Subset(test, list(test_digests)), train_digests, digest(test_digests), tuple(bad))


def _digests(images: Images, indexes: list[int], bad: list[str], tell: Callable[[int], None]) -> dict[int, str]:
    found = {}
    for count, index in enumerate(indexes, start=1):
        try:
            pixels = images[index]
            name = f"{images.names[index]}\0{pixels.shape}\0".encode()
            found[index] = sha256(name + pixels.tobytes()).hexdigest()
        except BadImage as error:
            bad.append(str(error))
        tell(count)
    return found
