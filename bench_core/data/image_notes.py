"""Notes on the images of a run, for readers of its tables: copies, leaks from training to test, enlarged images."""

from collections.abc import Callable, Iterator

import numpy as np

from bench_core.data import copies
from bench_core.data.digest_cache import DigestTable
from bench_core.images import Array
from bench_core.protocol import Protocol

MAX_PAIRS = 3
"""Maximum number of pairs that a note names."""
NEAR = f"(their perceptual hashes differ in at most {copies.MAX_BITS} of {copies.BITS} bits)"

Name = Callable[[int], str]
"""A function from a row of a table to the image's name."""


def image_notes(
    protocol: Protocol, train: DigestTable, test: DigestTable, groups: Array, train_name: Name, test_name: Name
) -> Iterator[str]:
    """Yield the notes on training and test images.

    Args:
        train: fingerprints of the training images that are read.
        test: fingerprints of the test images.
        groups: for each test image the row of the first of its group, see `copies.groups`.
    """
    same, near = copies.matches(test, train)
    of_all = f"of {len(test):,} test images"
    for found, text in (
        (same, "are also training images, pixel for pixel"),
        (near, f"are near duplicates of training images {NEAR}"),
    ):
        yield from _pairs_note(found, np.full(len(test), -1), f"{of_all} {text}", test_name, train_name)
    rows, first = np.arange(len(test)), copies.first_of_each(test)
    within = "of other test images, and count once in intervals"
    yield from _pairs_note(first, rows, f"{of_all} are copies {within}", test_name, test_name)
    near = np.where(first == rows, groups, rows)
    yield from _pairs_note(near, rows, f"{of_all} are near duplicates {NEAR} {within}", test_name, test_name)
    yield from _enlarged_note(protocol, {"test": test, "training": train})


def _pairs_note(found: Array, alone: Array, text: str, name: Name, other_name: Name) -> Iterator[str]:
    """Count the rows of which `found` is another image, and name the first of them."""
    rows = np.flatnonzero(found != alone).tolist()
    if rows:
        pairs = [f"{name(row)} of {other_name(int(found[row]))}" for row in rows[:MAX_PAIRS]]
        rest = [f"{len(rows) - MAX_PAIRS:,} more"] if len(rows) > MAX_PAIRS else []
        yield f"{len(rows):,} {text}: {', '.join([*pairs, *rest])}."


def _enlarged_note(protocol: Protocol, tables: dict[str, DigestTable]) -> Iterator[str]:
    side = max(protocol.size, protocol.resize or 0)
    counts = {kind: (int((table.records["short_side"] < side).sum()), len(table)) for kind, table in tables.items()}
    parts = [f"{few:,} of {of:,} {kind} images" for kind, (few, of) in counts.items() if few]
    if parts:
        yield f"{' and '.join(parts)} are smaller than {side} pixels and were enlarged."
