"""Find the image files of a folder by name. No file is opened.

Long listings are cached until one of the listed folders changes.
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
"""A function ``(folder, within="")`` that returns image names as `image_names` does."""


def known_split(split: str) -> Split:
    """Return the split itself. Raises BadInput unless it is "train" or "test"."""
    for known in get_args(Split):
        if split == known:
            return known
    raise unknown("split", split, get_args(Split))


def existing_folder(folder: Path | None, image_set: str) -> Path:
    """Return the folder itself.

    Raises:
        BadInput: no folder is given, or the path does not exist or is a file.
    """
    expected = f"The image set {image_set!r} needs a folder of images"
    if folder is None:
        raise BadInput(f"{expected}, but none was given. Give the folder that holds the images.")
    if not folder.exists():
        raise BadInput(f"{expected}, but {folder} does not exist. Check the path.")
    if not folder.is_dir():
        raise BadInput(f"{expected}, but {folder} is a file. Give the folder that holds it.")
    return folder


def image_names(folder: Path, within: str = "") -> "StringTable":
    """List all images under ``folder / within`` and its subfolders, except hidden ones.

    Returns:
        POSIX paths relative to `folder`, sorted as text. Images are recognised by their suffix.

    Raises:
        BadInput: there is no image, a folder cannot be listed, or a name is not valid text.
    """
    names = file_names(folder, within, SUFFIXES)
    if not names:
        suffixes = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        raise BadInput(
            f"{folder / within} holds no image. Expected files that end in {suffixes}, there or in its subfolders."
        )
    return names


def file_names(folder: Path, within: str, suffixes: frozenset[str]) -> "StringTable":
    """List all files under ``folder / within`` with one of the suffixes, as `image_names` does, or none."""
    from bench_core.data import listing_cache  # here, because a plugin's list of image sets must not import NumPy
    from bench_core.data.string_table import StringTable

    key = ("listings", os.path.abspath(folder), within, *sorted(suffixes))
    if (cached := listing_cache.load(*key)) is not None:
        return StringTable(cached["name"].combine_chunks())
    began = time.time()
    blocks, folders = [StringTable.from_strings([])], []
    for searched, files in _walk(folder / within):
        folders.append(searched)
        inside = Path(searched).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        matching = [prefix + name for name in files if os.path.splitext(name)[1].lower() in suffixes]
        try:
            blocks.append(StringTable.from_strings(matching))
        except UnicodeEncodeError as error:
            raise BadInput(
                f"{folder / within} holds an image whose name is not valid UTF-8: {error.object!a}. Rename it."
            ) from error
    names = StringTable.sorted(blocks)
    if len(names) >= listing_cache.MIN_FILES_TO_CACHE:
        listing_cache.save(names.table(), folders, began, *key)
    return names


def _walk(start: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield every folder and the names of the files in it. Hidden folders and files are left out."""
    entered = set()
    for folder, subfolders, files in os.walk(start, onerror=_raise, followlinks=True):
        # Links are followed, because large data sets often lie elsewhere. A link may lead back to a visited folder.
        if (real := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        yield folder, [name for name in files if not name.startswith(".")]


def _raise(error: OSError) -> None:
    raise BadInput(f"The folder {error.filename} cannot be listed: {error.strerror}. Check its permissions.") from error
