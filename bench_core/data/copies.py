"""Find images with the same pixels, and near duplicates: the same photograph encoded or resized in another way.

Two images are near duplicates if their perceptual hashes differ in few bits. The threshold is from 550 photographs, 240
of them aligned faces. Different ones differ in 62 bits or more. Their copies as JPEG of quality 30, at a quarter or
twice the size, in grey or with noise of 8 levels differ in at most 16 bits.
"""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from bench_core.data.digest_cache import DigestTable
from bench_core.images import Array

BITS = 256
MAX_BITS = 24
"""Maximum number of bits in which the hashes of near duplicates differ."""

_BANDS = BITS // 16
_SEARCHED = MAX_BITS // 2 + 1
"""Number of bands that are searched. If each of them differed in two bits, the hashes would differ in too many."""
_CHUNK = 1_000_000
"""Number of candidate pairs that are compared at a time."""
_COUNT = np.array([value.bit_count() for value in range(2**16)], np.uint8)


def first_of_each(images: DigestTable) -> Array:
    """Return, for each row of a table of fingerprints, the first row with the same pixels."""
    _, first, label = np.unique(images.digests, return_index=True, return_inverse=True)
    return first[label]


def groups(images: DigestTable) -> Array:
    """Return, for each row, the first row of its group: images that copies and near duplicates connect."""
    first = first_of_each(images)
    distinct = np.unique(first)
    hashes = _hashes(images)[distinct]
    near = distinct[near_pairs(hashes, hashes)]
    rows = np.arange(len(images))
    sources, targets = np.concatenate([rows, near[:, 0]]), np.concatenate([first, near[:, 1]])
    edges = coo_array((np.ones(len(sources), bool), (sources, targets)), (len(images), len(images)))
    _, label = connected_components(edges, directed=False)
    _, leader = np.unique(label, return_index=True)
    return leader[label]


def matches(images: DigestTable, others: DigestTable) -> tuple[Array, Array]:
    """Find each image's first copy among others: by its pixels, and if there is none, by its perceptual hash.

    Returns:
        For each row of `images` a row of `others` or -1: of the same pixels, and of the near duplicate.
    """
    same, near = np.full(len(images), -1), np.full(len(images), -1)
    known, first = np.unique(others.digests, return_index=True)
    found = np.isin(images.digests, known)
    same[found] = first[np.searchsorted(known, images.digests[found])]
    rest = np.flatnonzero(~found)
    pairs = near_pairs(_hashes(images)[rest], _hashes(others))
    rows, at = np.unique(pairs[:, 0], return_index=True)
    near[rest[rows]] = pairs[at, 1]
    return same, near


def near_pairs(hashes: Array, others: Array) -> Array:
    """Find all pairs of hashes that differ in at most `MAX_BITS` bits. Hashes of zeros match nothing.

    Args:
        hashes: uint16 (n, 16).
        others: uint16 (m, 16).

    Returns:
        int64 (pairs, 2): rows of `hashes` and of `others`, sorted.
    """
    kept, other_kept = np.flatnonzero(hashes.any(axis=1)), np.flatnonzero(others.any(axis=1))
    hashes, others = hashes[kept], others[other_kept]
    found = [np.empty((0, 2), np.int64)]
    for band in range(_SEARCHED):
        order = np.argsort(others[:, band], kind="stable")
        ends = np.cumsum(np.bincount(others[:, band], minlength=2**16))
        for flip in (0, *(1 << bit for bit in range(16))):
            keys = (hashes[:, band] ^ np.uint16(flip)).astype(int)
            begins = np.where(keys > 0, ends[keys - 1], 0)
            for left, place in _expand(begins, ends[keys]):
                found.append(_close(hashes, others, left, order[place]))
    pairs = np.unique(np.concatenate(found), axis=0)
    return np.stack([kept[pairs[:, 0]], other_kept[pairs[:, 1]]], axis=1)


def _expand(begins: Array, ends: Array) -> Iterator[tuple[Array, Array]]:
    """Yield (row, place) for every place from `begins[row]` to `ends[row]`, many at a time."""
    totals = np.cumsum(ends - begins)
    for chunk in np.split(
        np.arange(len(totals)), np.searchsorted(totals, np.arange(_CHUNK, totals[-1:].sum(), _CHUNK))
    ):
        counts = (ends - begins)[chunk]
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        yield np.repeat(chunk, counts), np.repeat(begins[chunk], counts) + within


def _close(hashes: Array, others: Array, left: Array, right: Array) -> Array:
    """Return the pairs of rows whose hashes are close. The first 64 bits rule most of them out."""
    for words in (slice(0, 1), slice(0, 4)):
        differing = hashes.view(np.uint64)[left, words] ^ others.view(np.uint64)[right, words]
        bits = _COUNT[differing.view(np.uint16)].sum(axis=1, dtype=np.uint16)
        left, right = left[bits <= MAX_BITS], right[bits <= MAX_BITS]
    return np.stack([left, right], axis=1)


def _hashes(images: DigestTable) -> Array:
    return np.ascontiguousarray(images.records["perceptual_hash"]).view(np.uint16).reshape(len(images), _BANDS)
