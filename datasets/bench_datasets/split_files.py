"""Read splits from files: a ``split.csv``, or the partition list that comes with CelebA."""

import csv
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from bench_core.errors import BadInput
from bench_datasets.find_images import Listing, Split, image_names

Row = tuple[int, str, str]
"""Line number, image name, and the word that stands for its split."""


def read_split_csv(folder: Path, split: Split, list_images: Listing = image_names) -> list[str]:
    """Return the images of a split by ``split.csv`` (columns name,split). Unlisted images are left out.

    Raises:
        BadInput: the file is malformed, lists a name twice or an image that does not exist, or the split is empty.
    """
    path = folder / "split.csv"
    chosen = _choose(_csv_rows(path), {"train": "train", "test": "test"}, split, path)
    return _require_existing(chosen, set(list_images(folder)), path)


def read_celeba_partition(folder: Path, split: Split) -> list[str]:
    """Return the aligned CelebA images of a split by the official ``list_eval_partition.txt`` (0 is train, 2 test).

    `folder` holds the list and the folder ``img_align_celeba``, either directly or in ``Eval`` and ``Img`` as
    published.

    Raises:
        BadInput: the list or an image is missing, or the list is malformed.
    """
    path = _first_existing([folder / "list_eval_partition.txt", folder / "Eval" / "list_eval_partition.txt"])
    images_folder = _first_existing([folder / "img_align_celeba", folder / "Img" / "img_align_celeba"])
    images = images_folder.relative_to(folder).as_posix()
    chosen = _choose(_celeba_rows(path), {"0": "train", "1": "valid", "2": "test"}, split, path)
    return _require_existing([f"{images}/{name}" for name in chosen], set(image_names(folder, images)), path)


def _csv_rows(path: Path) -> Iterator[Row]:
    # Spreadsheets write a byte-order mark before the first column's name; utf-8-sig drops it.
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file, skipinitialspace=True)
        if not {"name", "split"} <= set(reader.fieldnames or ()):
            raise BadInput(f"{path} must begin with the line 'name,split', not {','.join(reader.fieldnames or ())!r}.")
        for row in reader:
            yield reader.line_num, row["name"] or "", (row["split"] or "").strip()


def _celeba_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            name, _, word = line.strip().partition(" ")
            if name:
                yield number, name, word.strip()


def _choose(rows: Iterable[Row], meaning: Mapping[str, str], split: Split, path: Path) -> list[str]:
    splits: dict[str, str] = {}
    try:
        for number, name, word in rows:
            if word not in meaning:
                raise BadInput(f"{path}, line {number}: the split is {word!r}; expected {' or '.join(meaning)}.")
            if name in splits:
                raise BadInput(f"{path}, line {number}: {name!r} is listed twice. Keep one of the lines.")
            splits[name] = meaning[word]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise BadInput(f"{path} cannot be read as a list of names and splits: {error}.") from error
    chosen = sorted(name for name, given in splits.items() if given == split)
    if not chosen:
        raise BadInput(f"{path} gives no image to the split {split!r}. Add at least one line for it.")
    return chosen


def _require_existing(names: list[str], existing: set[str], path: Path) -> list[str]:
    missing = [name for name in names if name not in existing]
    if missing:
        raise BadInput(
            f"{path} lists {len(missing)} images that are not there, such as {', '.join(map(repr, missing[:3]))}. "
            "Names are relative to the folder, with forward slashes. Add the images or remove the lines."
        )
    return names


def _first_existing(candidates: list[Path]) -> Path:
    for path in candidates:
        if path.exists():
            return path
    raise BadInput(f"There is no {' and no '.join(map(str, candidates))}. Give the folder that holds it.")
