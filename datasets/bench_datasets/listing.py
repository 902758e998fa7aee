"""Finding the images of a folder by their names alone: no file is opened, however many there are."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, get_args

from bench_core.errors import BadInput, unknown

Split = Literal["train", "test"]
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


def known_split(split: str) -> Split:
    """The split itself. Raises BadInput for any word but "train" and "test"."""
    for known in get_args(Split):
        if split == known:
            return known
    raise unknown("split", split, get_args(Split))


def existing_folder(folder: Path | None, image_set: str) -> Path:
    """The folder itself.

    Raises:
        BadInput: none is given, there is none, or it is a file.
    """
    expected = f"The image set {image_set!r} needs a folder of images"
    if folder is None:
        raise BadInput(f"{expected}, but none was given. Name the folder in which the images are.")
    if not folder.exists():
        raise BadInput(f"{expected}, but {folder} does not exist. Check the path.")
    if not folder.is_dir():
        raise BadInput(f"{expected}, but {folder} is a file. Name the folder that holds it.")
    return folder


def image_names(folder: Path, within: str = "") -> list[str]:
    """Names of all images under `folder / within`: POSIX paths relative to `folder`, sorted as text.

    Subfolders are searched, hidden files and folders are not; what counts as an image is told by the suffix.

    Raises:
        BadInput: there is no image, a folder cannot be listed, or a name is no valid text.
    """
    start = folder / within
    names = sorted(path.relative_to(folder).as_posix() for path in _files(start) if path.suffix.lower() in SUFFIXES)
    if not names:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise BadInput(f"{start} holds no image. Expected files that end in {suffixes}, there or in its subfolders.")
    for name in names:
        if name.encode(errors="ignore").decode() != name:
            raise BadInput(f"{start} holds an image whose name is not valid UTF-8: {name!a}. Rename it.")
    return names


def _files(start: Path) -> Iterator[Path]:
    entered = set()
    for folder, subfolders, files in os.walk(start, onerror=_stop, followlinks=True):
        # Links to folders are followed, as big sets often lie elsewhere; one may lead back to where we were.
        if (real := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield from (Path(folder, name) for name in files if not name.startswith("."))


def _stop(error: OSError) -> None:
    raise BadInput(f"The folder {error.filename} cannot be listed: {error.strerror}. Check its permissions.") from error
