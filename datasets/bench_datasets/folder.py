"""Image files below a folder, and the image set ``folder``: any folder of your own images."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_core.data import listing_cache
from bench_core.data.string_table import StringTable
from bench_core.images import read_image
from bench_datasets.find_images import Split, existing_folder, known_split
from bench_datasets.split_rules import by_hash, own_split_or


@dataclass
class FileImages:
    """Image files of one folder. An image is decoded when it is indexed, and not kept."""

    folder: Path
    names: Sequence[str]
    """Paths relative to the folder, with forward slashes."""

    def __post_init__(self) -> None:
        self.names = StringTable.from_strings(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return uint8 (height, width, 3 or 1). Raises BadImage if the file cannot be decoded."""
        return read_image(self.path(index))

    def path(self, index: int) -> Path:
        return self.folder / self.names[index]

    def encoded(self, index: int) -> bytes:
        return self.path(index).read_bytes()

    def stamps(self, indexes: np.ndarray) -> Iterator[str | None]:
        folder = os.fspath(self.folder)  # joining text is much faster than joining paths
        return (listing_cache.stamp(f"{folder}/{name}") for name in StringTable.from_strings(self.names).take(indexes))


def open_split(folder: Path | None, split: Split) -> FileImages:
    """Open one split of a folder and its subfolders.

    The split is read from the subfolders ``train/`` and ``test/``, ``split.csv``, or the subfolders ``train/`` and
    ``val/``. Else it follows from the sha256 of each image's name.

    Raises:
        BadInput: the folder does not exist, has too few images or unclear splits, or its
            split.csv is wrong.
    """
    existing = existing_folder(folder, "folder")
    return FileImages(existing, own_split_or(by_hash)(existing, known_split(split)))
