"""Rules that split images into train and test by name alone, so every machine gets the same split."""

import hashlib
import re
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from bench_core.errors import BadInput
from bench_datasets.find_images import Listing, Split, image_names
from bench_datasets.split_files import read_split_csv
from bench_datasets.split_folders import NAMES, only_folder, print_left_out, refuse_hints, split_folders

Rule = Callable[[Path, Split], Sequence[str]]
"""A function that returns the names of a split's images. Raises BadInput if the folder does not fit the rule."""

_TEST_SHARE = 0.2


def own_split_or(otherwise: Rule, list_images: Listing = image_names) -> Rule:
    """Return a rule that follows the folders of both splits or ``split.csv``, else `otherwise`.

    ``train/`` and ``test/`` come first, then ``split.csv``, then ``train/`` and ``val/``. Images beside these folders
    are left out, which a message says. A test folder alone can be evaluated on. Other folders that are named after a
    split are refused, because `otherwise` would mix their images.
    """

    def rule(folder: Path, split: Split) -> Sequence[str]:
        found = split_folders(folder)
        explicit = [len(names) == 1 and names[0].lower() not in NAMES["val"] for names in found.values()]
        if (folder / "split.csv").is_file() and not all(explicit):
            return read_split_csv(folder, split, list_images)
        if not any(found.values()):
            refuse_hints(folder, list_images(folder))
            return otherwise(folder, split)
        chosen = only_folder(folder, found, split)
        if split == "test":
            print_left_out(folder, found, list_images)
        return list_images(folder, chosen)

    return rule


def by_hash(folder: Path, split: Split, list_images: Listing = image_names) -> Sequence[str]:
    """Put images whose name's sha256 lies in the lowest fifth into test, the others into train.

    Adding images never moves another image, with one exception. If a split would be empty, the image with the lowest
    hash becomes test, or the one with the highest hash train.
    """
    import numpy as np  # here, because a plugin's list of image sets must not import NumPy

    names = list_images(folder)
    if len(names) < 2:
        raise BadInput(
            f"{folder} holds only one image, {names[0]}. Expected at least two: one for train, one for test."
        )
    hashes = np.fromiter(map(_hash, names), float, len(names))
    num_test = min(max(int((hashes < _TEST_SHARE).sum()), 1), len(names) - 1)
    ranked = np.argsort(hashes, kind="stable")
    return names.take(np.sort(ranked[:num_test] if split == "test" else ranked[num_test:]))


def _hash(name: str) -> float:
    """Map a name to [0, 1), uniformly."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6]) / 2**48


def by_subfolders(*layouts: tuple[str, str]) -> Rule:
    """Return a rule for sets with one subfolder per split, given as possible (train, test) pairs of names.

    The first pair of which both subfolders exist is used. If no pair is complete, the first one with the split is
    used, so that you can evaluate on a test set alone.
    """

    def rule(folder: Path, split: Split) -> Sequence[str]:
        complete_first = sorted(layouts, key=lambda pair: not all((folder / name).is_dir() for name in pair))
        candidates = [test if split == "test" else train for train, test in complete_first]
        for name in candidates:
            if (folder / name).is_dir():
                return image_names(folder, name)
        expected = ", ".join(f"{name}/" for name in dict.fromkeys(candidates))
        raise BadInput(f"{folder} has no folder for the split {split!r}. Expected one of: {expected}.")

    return rule


def by_number(test: range, last: int) -> Rule:
    """Return a rule that splits by the number, 0 to `last`, at the end of a name. Images may be missing."""

    def rule(folder: Path, split: Split) -> list[str]:
        by_id: dict[int, str] = {}
        for name in image_names(folder):
            digits = re.search(r"[0-9]+$", PurePosixPath(name).stem)
            number = int(digits.group()) if digits else None
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
    """Return a rule for a complete set: the last `num_test` images, in the order of their numbers, are test."""

    def rule(folder: Path, split: Split) -> list[str]:
        names = sorted(image_names(folder), key=_natural_order)
        if len(names) != num_images:
            raise BadInput(
                f"{folder} holds {len(names)} images; the set has {num_images}, of which the last {num_test} are test. "
                "For a part of it, split the folder yourself: subfolders train/ and test/, or split.csv (name,split)."
            )
        return names[-num_test:] if split == "test" else names[:-num_test]

    return rule


def _natural_order(name: str) -> tuple[list[tuple[str, int]], str]:
    """Sort 2.jpg before 10.jpg."""
    return [(text, int(digits or 0)) for text, digits in re.findall(r"([^0-9]*)([0-9]*)", name)], name
