"""Subfolders that are named after a split, such as ``train/`` and ``val/``."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from bench_core.errors import BadInput
from bench_datasets.find_images import Listing, Split

Role = Literal["train", "test", "val"]
NAMES: Mapping[Role, frozenset[str]] = {
    "train": frozenset({"train", "training"}),
    "test": frozenset({"test", "testing"}),
    "val": frozenset({"val", "valid", "validation"}),
}
"""Names of a split's folder, in lower case."""
WORDS = frozenset().union(*NAMES.values()) | {"dev", "eval", "evaluation", "trainset", "testset", "valset", "trainval"}
"""Words by which another folder's name hints at a split, as in ``train2017`` or ``DIV2K_valid_HR``."""
ADVICE = (
    "Name the folders train/ and test/ (or val/) and give the folder that holds them, or list the images in split.csv "
    "(columns name,split)."
)


def split_folders(folder: Path) -> dict[Split, list[str]]:
    """Return the subfolders of each split. Validation folders are test if there is no test folder.

    Raises:
        BadInput: the folder cannot be listed.
    """
    try:
        visible = sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    except OSError as error:
        raise BadInput(f"The folder {folder} cannot be listed: {error.strerror}. Check its permissions.") from error
    found = {role: [name for name in visible if name.lower() in names] for role, names in NAMES.items()}
    return {"train": found["train"], "test": found["test"] or found["val"]}


def only_folder(folder: Path, found: Mapping[Split, Sequence[str]], split: Split) -> str:
    """Return the subfolder of a split.

    Raises:
        BadInput: there are several, there is none, or there is no test folder at all.
    """
    several = [name for names in found.values() if len(names) > 1 for name in names]
    if several:
        raise BadInput(f"{folder} has several folders for one split: {_listed(several)}. {ADVICE}")
    if not found[split] or not found["test"]:
        there = _listed([name for names in found.values() for name in names])
        raise BadInput(f"{folder} has {there}, but no folder for the split {split!r}. {ADVICE}")
    return found[split][0]


def refuse_hints(folder: Path, names: Iterable[str]) -> None:
    """Check that no folder of some images hints at a split that a rule by names alone would ignore.

    Raises:
        BadInput: there is such a folder.
    """
    parts = {part for parent in {name.rpartition("/")[0] for name in names} for part in parent.split("/")}
    hints = sorted(
        part for part in parts if WORDS.intersection(map(str.lower, re.findall("[A-Z]?[a-z]+|[A-Z]+", part)))
    )
    if hints:
        raise BadInput(
            f"{folder} has folders named after a split, {_listed(hints)}, but which images are for training and which "
            f"for test is not clear. {ADVICE}"
        )


def print_left_out(folder: Path, found: Mapping[Split, Sequence[str]], list_images: Listing) -> None:
    """Print which folder the test images come from, unless it is ``test/``, and how many images are in no split."""
    from bench_core.system.progress import console  # here, because listing the image sets must be quick

    used = {name for names in found.values() for name in names}
    tops = (name.partition("/") for name in list_images(folder))
    beside = Counter(f"{top}/" if inside else "no subfolder" for top, inside, _ in tops if top not in used)
    counts = [f"{count:,} images in {place}" for place, count in sorted(beside.items())]
    lines = []
    if found["test"][0].lower() in NAMES["val"]:
        lines.append(f"The test images are those in {found['test'][0]}/.")
    if (folder / "split.csv").is_file():
        lines.append("split.csv is not used.")
    if counts:
        lines.append(f"In neither split: {', '.join(counts)}.")
    if lines:
        console.print(f"{folder}: {' '.join(lines)}", markup=False, soft_wrap=True)


def _words(name: str) -> Iterator[str]:
    """Yield the words of ``train_HR``, ``trainA`` or ``TRAIN-2017``, in lower case."""
    return (word.lower() for word in re.findall("[A-Z]?[a-z]+|[A-Z]+", name))


def _listed(names: Sequence[str]) -> str:
    shown = [f"{name}/" for name in names[:5]]
    return ", ".join([*shown, *([f"{len(names) - 5} more"] if len(names) > 5 else [])])
