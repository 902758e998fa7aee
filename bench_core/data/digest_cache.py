"""What images were found to hold, remembered by the state of their files, so that no later run looks again."""

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
import PIL

from bench_core.data import listing_cache
from bench_core.data.digests import DigestTable
from bench_core.data.string_table import StringTable
from bench_core.images import ImageFiles, Images
from bench_core.seeds import digest
from bench_core.system import files

FORMAT = 1
"""Raised when `bench_core.images` reads anything differently."""
EVERY = 10_000
"""Images after which is saved what was found."""

_KNOWN = np.dtype([("state", "S16"), ("digest", "S32")])
Look = Callable[[np.ndarray], Iterable[tuple[int, bytes]]]
"""From indexes of images to the digests of those that can be read."""


def cached_digests(
    kind: str, images: Images, indexes: np.ndarray, look: Look, had: Callable[[int], None] = lambda known: None
) -> DigestTable:
    """The digests of images at ascending indexes: as they are remembered of files that did not change, else by looking.

    Args:
        kind: what is digested.
        had: told how many are remembered.
    """
    if len(indexes) < listing_cache.MIN_FILES_TO_CACHE or not isinstance(images, ImageFiles):
        return DigestTable.of(look(indexes))
    memory = DigestCache(kind, images, indexes)
    found = memory.recall()
    missing = np.setdiff1d(indexes, found.indexes)
    had(len(found))
    for start in range(0, len(missing), EVERY):
        new = DigestTable.of(look(missing[start : start + EVERY]))
        memory.keep(new)
        found |= new
    return found


class DigestCache:
    """The digests that are kept of a folder's files, and the present states of those that are asked for."""

    def __init__(self, kind: str, images: ImageFiles, indexes: np.ndarray) -> None:
        key = digest([FORMAT, PIL.__version__, kind, os.path.abspath(images.folder)])
        self.path = listing_cache.folder() / "digests" / f"{key[:16]}.npy"
        self.indexes = indexes
        named = zip(StringTable.of(images.names).take(indexes), images.stamps(indexes), strict=True)
        self.states = np.fromiter((_state(name, stamp) for name, stamp in named), "S16", len(indexes))

    def recall(self) -> DigestTable:
        kept = _read(self.path)
        rows = np.searchsorted(kept["state"], self.states)
        rows[rows == len(kept)] = -1
        known = (kept["state"][rows] == self.states) if len(kept) else np.zeros(len(rows), bool)
        return DigestTable(self.indexes[known], kept["digest"][rows[known]])

    def keep(self, found: DigestTable) -> None:
        """Save digests beside those that are kept already."""
        new = np.empty(len(found), _KNOWN)
        new["state"] = self.states[np.searchsorted(self.indexes, found.indexes)]
        new["digest"] = found.sums
        together = np.concatenate([new[new["state"] != b""], _read(self.path)])
        _, first = np.unique(together["state"], return_index=True)
        with suppress(OSError):  # to look again is all that it costs
            files.write(self.path, lambda temporary: np.save(temporary, together[first], allow_pickle=False))


def _state(name: str, stamp: str | None) -> bytes:
    """Nothing where the file is missing or has only just changed."""
    return b"" if stamp is None else blake2b(f"{name}\0{stamp}".encode(), digest_size=16).digest()


def _read(path: Path) -> np.ndarray:
    """Ordered by state."""
    try:
        kept = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return np.empty(0, _KNOWN)
    return kept if kept.dtype == _KNOWN and kept.ndim == 1 else np.empty(0, _KNOWN)
