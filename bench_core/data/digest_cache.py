"""Digests and fingerprints of many images, and their cache: a file that did not change is not decoded again."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from hashlib import blake2b
from typing import Any

import numpy as np
import PIL

from bench_core.data import listing_cache
from bench_core.data.string_table import StringTable
from bench_core.images import ImageFiles, Images
from bench_core.seeds import digest
from bench_core.system import files

FORMAT = 2
"""Increase whenever `bench_core.images` decodes anything differently, or a fingerprint changes."""
SAVE_EVERY = 10_000
"""Number of new digests after which the cache is saved."""

DIGEST = np.dtype([("digest", "S32")])
"""Record of a digest alone: a sha256."""
ComputeDigests = Callable[[np.ndarray], Iterable[tuple[int, tuple[Any, ...]]]]
"""A function from image indexes to (index, record) of each readable image."""


class DigestTable(Mapping[int, str]):
    """Mapping from image index to sha256 in hex, in an array with one record per image."""

    def __init__(self, indexes: np.ndarray, records: np.ndarray) -> None:
        """`indexes`: int64 (n,), ascending. `records`: (n,) with a field ``digest`` "S32"."""
        self.indexes, self.records = np.ascontiguousarray(indexes), records
        self.digests = np.ascontiguousarray(records["digest"])

    @classmethod
    def from_items(cls, items: Iterable[tuple[int, tuple[Any, ...]]], record: np.dtype = DIGEST) -> "DigestTable":
        """Build a table from (index, record) in any order."""
        found = np.fromiter(items, np.dtype([("index", "i8"), ("record", record)]))
        found = found[np.argsort(found["index"], kind="stable")]
        return cls(found["index"], found["record"])

    def __or__(self, other: "DigestTable") -> "DigestTable":
        """Merge two tables that share no index."""
        indexes = np.concatenate([self.indexes, other.indexes])
        order = np.argsort(indexes)
        return DigestTable(indexes[order], np.concatenate([self.records, other.records])[order])

    def __len__(self) -> int:
        return len(self.indexes)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indexes.tolist())

    def __getitem__(self, index: int) -> str:
        row = int(np.searchsorted(self.indexes, index))
        if row == len(self) or self.indexes[row] != index:
            raise KeyError(index)
        return self._hex(row)

    def lookup(self, indexes: np.ndarray) -> Iterator[tuple[int, str | None]]:
        """Yield each index with its digest, or with None if missing. Much faster than one call per index."""
        rows = np.searchsorted(self.indexes, indexes).tolist()
        for index, row, known in zip(indexes.tolist(), rows, np.isin(indexes, self.indexes).tolist(), strict=True):
            yield index, self._hex(row) if known else None

    def _hex(self, row: int) -> str:
        # A slice, because numpy strips trailing zero bytes from a single element.
        return self.digests[row : row + 1].tobytes().hex()


def cached_digests(
    kind: str,
    images: Images,
    indexes: np.ndarray,
    compute: ComputeDigests,
    on_hit: Callable[[int], None] = lambda hits: None,
    record: np.dtype = DIGEST,
) -> DigestTable:
    """Return the digests of images: from the cache for unchanged files, else computed and cached.

    Short lists and images that are not files are never cached.

    Args:
        kind: name of the digested content; each kind has its own cache file.
        indexes: int64 (n,), ascending.
        on_hit: called once with the number of digests found in the cache.
        record: what is kept of each image, with a field ``digest``.
    """
    if len(indexes) < listing_cache.MIN_FILES_TO_CACHE or not isinstance(images, ImageFiles):
        return DigestTable.from_items(compute(indexes), record)
    cache = DigestCache(kind, images, indexes, record)
    digests = cache.load()
    missing = np.setdiff1d(indexes, digests.indexes)
    on_hit(len(digests))
    for start in range(0, len(missing), SAVE_EVERY):
        new = DigestTable.from_items(compute(missing[start : start + SAVE_EVERY]), record)
        cache.save(new)
        digests |= new
    return digests


class DigestCache:
    """Cache file with the digests of a folder's images, keyed by the state of each image file."""

    def __init__(self, kind: str, images: ImageFiles, indexes: np.ndarray, record: np.dtype) -> None:
        self.dtype = np.dtype([("state", "S16"), ("record", record)])
        key = digest([FORMAT, PIL.__version__, kind, os.path.abspath(images.folder)])
        self.path = listing_cache.folder() / "digests" / f"{key[:16]}.npy"
        self.indexes = indexes
        stamped_names = zip(StringTable.from_strings(images.names).take(indexes), images.stamps(indexes), strict=True)
        self.states = np.fromiter((_state(name, stamp) for name, stamp in stamped_names), "S16", len(indexes))

    def load(self) -> DigestTable:
        """Return the cached digests of the images whose files did not change."""
        cached = self._read()
        rows = np.searchsorted(cached["state"], self.states)
        rows[rows == len(cached)] = -1
        hits = (cached["state"][rows] == self.states) if len(cached) else np.zeros(len(rows), bool)
        return DigestTable(self.indexes[hits], cached["record"][rows[hits]])

    def save(self, digests: DigestTable) -> None:
        """Add digests to the cache file."""
        new = np.empty(len(digests), self.dtype)
        new["state"] = self.states[np.searchsorted(self.indexes, digests.indexes)]
        new["record"] = digests.records
        merged = np.concatenate([new[new["state"] != b""], self._read()])
        _, first = np.unique(merged["state"], return_index=True)
        with suppress(OSError):  # without the cache the next run is slower, nothing else
            files.write(self.path, lambda temporary: np.save(temporary, merged[first], allow_pickle=False))

    def _read(self) -> np.ndarray:
        """Read the cache file, sorted by state. Return an empty array for a missing or damaged one."""
        try:
            cached = np.load(self.path, allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return np.empty(0, self.dtype)
        return cached if cached.dtype == self.dtype and cached.ndim == 1 else np.empty(0, self.dtype)


def _state(name: str, stamp: str | None) -> bytes:
    """Return a hash of name and stamp; empty for a file that is missing or changed a moment ago."""
    return b"" if stamp is None else blake2b(f"{name}\0{stamp}".encode(), digest_size=16).digest()
