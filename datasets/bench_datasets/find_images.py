"""Find the image files of a folder by name. No file is opened.

Long listings are cached until one of the listed folders changes.
"""

import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from bench_core.errors import BadInput, unknown
from bench_core.system.image_files import Selection, print_once, suffixes_in_words, walk

if TYPE_CHECKING:
    from bench_core.data.string_table import StringTable

Split = Literal["train", "test"]
Choose = Callable[[Sequence[str]], list[str]]
"""A function that returns the wanted files among those of one folder."""

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
        raise BadInput(f"{expected}, but {folder.absolute()} does not exist. Check the path.")
    if not folder.is_dir():
        raise BadInput(f"{expected}, but {folder} is a file. Give the folder that holds it.")
    return folder


def image_names(folder: Path, within: str = "") -> "StringTable":
    """List all images under ``folder / within`` and its subfolders, except hidden ones, and print what was left out.

    Returns:
        POSIX paths relative to `folder`, sorted as text. Images are recognised by their suffix.

    Raises:
        BadInput: there is no image, a folder cannot be listed, or a name is not valid text.
    """
    selection = Selection()
    kind = f"images: {suffixes_in_words()}"  # which ones depends on the installed Pillow
    names, lines = _listed(folder, within, kind, selection.choose, lambda: list(selection.lines(folder / within)))
    for line in lines:
        print_once(line)
    if not names:
        raise BadInput(
            f"{folder / within} holds no image. Expected files that end in {suffixes_in_words()}, there or in its "
            "subfolders."
        )
    return names


def file_names(folder: Path, suffix: str) -> "StringTable":
    """List all files under a folder that end in the suffix, as `image_names` does, or none."""
    return _listed(folder, "", suffix, lambda files: [name for name in files if name.lower().endswith(suffix)])[0]


def _listed(
    folder: Path, within: str, kind: str, choose: Choose, describe: Callable[[], list[str]] = list
) -> tuple["StringTable", list[str]]:
    """List the chosen files, and describe the others."""
    from bench_core.data import listing_cache  # here, because a plugin's list of image sets must not import NumPy
    from bench_core.data.string_table import StringTable

    key = ("listings", os.path.abspath(folder), within, kind)
    if (cached := listing_cache.load(*key)) is not None:
        return StringTable(cached["name"].combine_chunks()), json.loads(cached.schema.metadata[b"lines"])
    began = time.time()
    blocks, folders = [StringTable.from_strings([])], []
    for searched, files in walk(folder / within):
        folders.append(searched)
        inside = Path(searched).relative_to(folder).as_posix()
        prefix = "" if inside == "." else f"{inside}/"
        try:
            blocks.append(StringTable.from_strings([prefix + name for name in choose(files)]))
        except UnicodeEncodeError as error:
            raise BadInput(
                f"{folder / within} holds an image whose name is not valid UTF-8: {error.object!a}. Rename it."
            ) from error
    names, lines = StringTable.sorted(blocks), describe()
    if len(names) >= listing_cache.MIN_FILES_TO_CACHE:
        table = names.table().replace_schema_metadata({"lines": json.dumps(lines)})
        listing_cache.save(table, folders, began, *key)
    return names, lines
