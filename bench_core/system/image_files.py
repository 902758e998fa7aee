"""Find image files in folders. One walker serves images, masks, predictions and ground truths. No file is opened.

Links are followed, because large data sets often lie elsewhere. Hidden files and folders, and what systems add to
folders, are left out. So are masks among photographs: ``NAME_mask*.png`` beside ``NAME.png``. Everything else that is
left out is counted in a line on standard error.
"""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench_core.errors import BadInput

BESIDE = "_mask"
"""Part of a mask's name after the name of its photograph."""
_ALWAYS = "bmp dib gif jfif jpe jpeg jpg pbm pgm png pnm ppm tif tiff"
_IF_BUILT_IN = {"avif": "avif", "jpg_2000": "j2k jp2", "webp": "webp"}
"""Suffixes by the feature of Pillow that decodes them."""
_SYSTEM_FOLDERS = {"__MACOSX", "@eaDir", "$RECYCLE.BIN", "System Volume Information"}
_NOT_COUNTED = {"", ".csv", ".db", ".html", ".ini", ".json", ".log", ".md", ".toml", ".tsv", ".txt", ".xml", ".yaml"}
"""Suffixes of notes and lists, which nobody takes for images."""


@cache
def image_suffixes() -> frozenset[str]:
    """Return the suffixes of images that the installed Pillow decodes, such as ".png"."""
    from PIL import features  # here, because a plugin's list of image sets must not import Pillow

    built_in = (suffixes for feature, suffixes in _IF_BUILT_IN.items() if features.check(feature))
    return frozenset(f".{suffix}" for suffixes in (_ALWAYS, *built_in) for suffix in suffixes.split())


def suffixes_in_words() -> str:
    """Return the suffixes of images for messages: "bmp, dib, gif, ..."."""
    return ", ".join(sorted(suffix[1:] for suffix in image_suffixes()))


def require_folder(folder: Path) -> Path:
    """Return the folder itself.

    Raises:
        BadInput: there is no such folder. The message has its absolute path.
    """
    if not folder.is_dir():
        problem = "is a file; give the folder that holds it" if folder.exists() else "does not exist; check the path"
        raise BadInput(f"The folder {folder.absolute()} {problem}.")
    return folder


def walk(start: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield every folder and the names of the files in it.

    Raises:
        BadInput: a folder cannot be listed.
    """
    entered = set()
    for folder, subfolders, files in os.walk(start, onerror=_raise, followlinks=True):
        # A link may lead back to a visited folder.
        if (real := os.path.realpath(folder)) in entered:
            subfolders.clear()
            continue
        entered.add(real)
        subfolders[:] = sorted(name for name in subfolders if name[0] != "." and name not in _SYSTEM_FOLDERS)
        yield folder, [name for name in files if name[0] != "."]


def _raise(error: OSError) -> None:
    raise BadInput(f"The folder {error.filename} cannot be listed: {error.strerror}. Check its permissions.") from error


@dataclass
class Selection:
    """Images chosen from the files of several folders, with counts of all others."""

    masks: bool = False
    """Choose masks in place of photographs, where both lie in one folder."""
    used: Counter[str] = field(default_factory=Counter)
    """Number of images by suffix."""
    left_out: Counter[str] = field(default_factory=Counter)
    """Number of other files by suffix."""
    others: list[str] = field(default_factory=list)
    """Masks beside photographs, or if `masks` is set, photographs beside masks."""

    def choose(self, files: Sequence[str]) -> list[str]:
        """Return the images among the files of one folder."""
        images, suffixes = [], image_suffixes()
        for name in files:
            suffix = os.path.splitext(name)[1].lower()
            if suffix in suffixes:
                images.append(name)
            elif suffix not in _NOT_COUNTED:
                self.left_out[suffix] += 1
        if any(BESIDE in name for name in images):
            images = self._one_kind(images)
        self.used.update(os.path.splitext(name)[1].lower() for name in images)
        return images

    def _one_kind(self, images: list[str]) -> list[str]:
        stems = {os.path.splitext(name)[0] for name in images}
        masks = {name for name in images if BESIDE in name and name.rpartition(BESIDE)[0] in stems}
        photographs = {name.rpartition(BESIDE)[0] for name in masks}
        others = {name for name in images if os.path.splitext(name)[0] in photographs} if self.masks else masks
        self.others += sorted(others)
        return [name for name in images if name not in others]

    def lines(self, folder: Path | str) -> Iterator[str]:
        """Yield a line for each fact that the user may not expect."""
        if self.left_out:
            yield f"{folder}: {self.left_out.total()} files are not read as images: {_counts(self.left_out)}."
        if self.others:
            wanted, found = ("masks", "photographs") if self.masks else ("photographs", "masks")
            yield (
                f"{folder}: {len(self.others)} {found} beside {wanted} are left out, such as {self.others[0]} "
                f"(NAME{BESIDE}* belongs to NAME)."
            )
        if len(self.used) > 1:
            yield f"{folder}: {self.used.total()} images of several formats: {_counts(self.used)}."


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {suffix}" for suffix, count in sorted(counts.items()))


@cache
def print_once(line: str) -> None:
    """Print a line to standard error, unless it was printed before. Both splits of a set list the same folder."""
    from bench_core.system.progress import console

    console.print(line, markup=False, soft_wrap=True)


def find_image_files(folder: Path, masks: bool = False) -> list[Path]:
    """List the images in a folder and its subfolders, sorted by path, and print what was left out.

    Args:
        masks: list masks in place of photographs, where both lie in one folder.

    Raises:
        BadInput: there is no such folder, it holds no images, or it cannot be listed.
    """
    selection = Selection(masks)
    paths = [Path(within) / name for within, files in walk(require_folder(folder)) for name in selection.choose(files)]
    for line in selection.lines(folder):
        print_once(line)
    if not paths:
        raise BadInput(
            f"The folder {folder.absolute()} holds no images. Expected files that end in {suffixes_in_words()}, there "
            "or in its subfolders."
        )
    return sorted(paths)
