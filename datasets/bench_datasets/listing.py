"""Finding the images of a folder by their names alone: no file is opened, however many there are.

A long listing is kept in the user's cache folder, and is true for as long as none of its folders has changed.
"""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from bench_core.errors import BadInput, unknown

if TYPE_CHECKING:
    from bench_core.data.string_table import StringTable

Split = Literal["train", "test"]
SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})

Listing = Callable[..., "StringTable"]
"""Gives the names of all images of a folder, or of one of its subfolders, as `image_names` does."""


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


def image_names(folder: Path, within: str = "") -> "StringTable":
    """Names of all images under `folder / within`: POSIX paths relative to `folder`, sorted as text.

    Subfolders are searched, hidden files and folders are not; what counts as an image is told by the suffix.

    Raises:
        BadInput: there is no image, a folder cannot be listed, or a name is no valid text.
    """
    names = file_names(folder, within, SUFFIXES)
    if not names:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise BadInput(
            f"{folder / within} holds no image. Expected files that end in {suffixes}, there or in its subfolders."
        )
    return names


def file_names(folder: Path, within: str, suffixes: frozenset[str]) -> "StringTable":
    """Names of all files under `folder / within` with one of these suffixes, as `image_names` gives them."""
    from bench_core.data import listing_cache  # here, as listing the sets must not import NumPy
    from bench_core.data.string_table import StringTable

    key = ("listings", os.path.abspath(folder), within, *sorted(suffixes))
    if (kept := listing_cache.read(*key)) is not None:
        return StringTable(kept["name"].combine_chunks())
    began = time.time()
    names, folders = _listed(folder, within, suffixes)
    if len(names) >= listing_cache.MIN_FILES_TO_CACHE:
        listing_cache.write(names.table(), folders, began, *key)
    return names


def _listed(folder: Path, within: str, suffixes: frozenset[str]) -> "tuple[StringTable, list[str]]":
    """The names, and all folders that were searched."""
    from bench_core.data.string_table import StringTable

    blocks, folders = [StringTable.of([])], []
    for searched, files in _searched(folder / within):
        folders.append(searched)
        inside = Path(searched).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        try:
            blocks.append(StringTable.of([prefix + name for name in files if _suffix(name) in suffixes]))
        except UnicodeEncodeError as error:
            raise BadInput(
                f"{folder / within} holds an image whose name is not valid UTF-8: {error.object!a}. Rename it."
            ) from error
    return StringTable.sorted(blocks), folders


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def _searched(start: Path) -> Iterator[tuple[str, list[str]]]:
    """Every folder that is not hidden, and the names of the files in it that are not."""
    entered = set()
    for folder, subfolders, files in os.walk(start, onerror=_stop, followlinks=True):
        # Links to folders are followed, as big sets often lie elsewhere; one may lead back to where we were.
        if (real := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield folder, [name for name in files if not name.startswith(".")]


def _stop(error: OSError) -> None:
    raise BadInput(f"The folder {error.filename} cannot be listed: {error.strerror}. Check its permissions.") from error
