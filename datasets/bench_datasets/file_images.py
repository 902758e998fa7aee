"""Images that stay on disk until they are asked for."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench_core.data import listing_cache
from bench_core.data.string_table import StringTable
from bench_core.images import read_image


@dataclass
class FileImages:
    """Image files of one folder; each is decoded when it is indexed and none is kept."""

    folder: Path
    names: Sequence[str]
    """Paths relative to the folder, with forward slashes."""

    def __post_init__(self) -> None:
        self.names = StringTable.of(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> np.ndarray:
        """uint8 (height, width, 3 or 1). Raises BadImage where the file cannot be decoded."""
        return read_image(self.path(index))

    def path(self, index: int) -> Path:
        return self.folder / self.names[index]

    def encoded(self, index: int) -> bytes:
        return self.path(index).read_bytes()

    def stamps(self, indexes: np.ndarray) -> Iterator[str | None]:
        folder = os.fspath(self.folder)
        return (listing_cache.stamp(f"{folder}/{name}") for name in StringTable.of(self.names).take(indexes))
