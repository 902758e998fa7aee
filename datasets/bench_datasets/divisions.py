"""Rules that divide images into train and test by their names alone, so that every machine divides alike."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from bench_core.errors import BadInput
from bench_datasets.listing import Listing, Split, image_names
from bench_datasets.lists import from_csv

Rule = Callable[[Path, Split], Sequence[str]]
"""Names of the images of a folder that belong to a split. Raises BadInput where the folder does not fit the rule."""

_TEST_SHARE = 0.2


def own_or(otherwise: Rule, listed: Listing = image_names) -> Rule:
    """The folder's own division if it has one, ``train/`` and ``test/`` before ``split.csv``; else another rule."""

    def rule(folder: Path, split: Split) -> Sequence[str]:
        if (folder / "train").is_dir() and (folder / "test").is_dir():
            return listed(folder, split)
        if (folder / "split.csv").is_file():
            return from_csv(folder, split, listed)
        return otherwise(folder, split)

    return rule


def by_hash(folder: Path, split: Split, listed: Listing = image_names) -> Sequence[str]:
    """Test is every image whose name's sha256 lies in the lowest fifth; other images never change where one belongs.

    Only where that leaves a split empty does the image with the lowest hash become test, or the highest train.
    """
    import numpy as np  # here, as listing the sets must not

    names = listed(folder)
    if len(names) < 2:
        raise BadInput(
            f"{folder} holds only one image, {names[0]}. Expected at least two: one for train, one for test."
        )
    hashes = np.fromiter(map(_hash, names), float, len(names))
    num_test = min(max(int((hashes < _TEST_SHARE).sum()), 1), len(names) - 1)
    ranked = np.argsort(hashes, kind="stable")
    return names.take(np.sort(ranked[:num_test] if split == "test" else ranked[num_test:]))


def _hash(name: str) -> float:
    """In [0, 1), as even as sha256 is."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48


def in_layout(*layouts: tuple[str, str]) -> Rule:
    """Train and test lie in subfolders named by one of the (train, test) pairs; the first pair found whole is taken.

    Where no pair is whole, the first one that has the split is taken, so that a test set alone can be judged.
    """

    def rule(folder: Path, split: Split) -> Sequence[str]:
        whole_first = sorted(layouts, key=lambda pair: not all((folder / name).is_dir() for name in pair))
        candidates = [test if split == "test" else train for train, test in whole_first]
        for name in candidates:
            if (folder / name).is_dir():
                return image_names(folder, name)
        expected = ", ".join(f"{name}/" for name in dict.fromkeys(candidates))
        raise BadInput(f"{folder} has no folder for the split {split!r}. Expected one of: {expected}.")

    return rule


def by_number(test: range, last: int) -> Rule:
    """The number that ends an image's name, 0 to `last`, says where it belongs. A part of the set may be missing."""

    def rule(folder: Path, split: Split) -> list[str]:
        by_id: dict[int, str] = {}
        for name in image_names(folder):
            number = _number(name)
            if number is None or number > last:
                raise BadInput(f"{folder / name} has no number from 0 to {last} at the end of its name.")
            if number in by_id:
                raise BadInput(
                    f"{folder} holds image {number} twice: {by_id[number]} and {name}. Give the folder of one size."
                )
            by_id[number] = name
        chosen = [by_id[number] for number in sorted(by_id) if (number in test) == (split == "test")]
        if not chosen:
            raise BadInput(f"{folder} has no image for the split {split!r}; test is {test[0]} to {test[-1]} by number.")
        return chosen

    return rule


def last_of(num_images: int, num_test: int) -> Rule:
    """Of the whole set, in the order of the numbers in its names, the last `num_test` images are test."""

    def rule(folder: Path, split: Split) -> list[str]:
        names = sorted(image_names(folder), key=_natural)
        if len(names) != num_images:
            raise BadInput(
                f"{folder} holds {len(names)} images; the set has {num_images}, of which the last {num_test} are test. "
                "For a part of it, divide the folder yourself: subfolders train/ and test/, or split.csv (name,split)."
            )
        return names[-num_test:] if split == "test" else names[:-num_test]

    return rule


def _number(name: str) -> int | None:
    digits = re.search(r"[0-9]+$", PurePosixPath(name).stem)
    return int(digits.group()) if digits else None


def _natural(name: str) -> tuple[list[tuple[str, int]], str]:
    """Sorts 2.jpg before 10.jpg."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name)], name
