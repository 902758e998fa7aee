"""The sha256 of each of many images, in 40 bytes."""

from collections.abc import Iterable, Iterator, Mapping

import numpy as np

ENTRY = np.dtype([("index", "i8"), ("digest", "S32")])


class DigestTable(Mapping[int, str]):
    """For some indexes of a list of images a sha256, in hex."""

    def __init__(self, indexes: np.ndarray, sums: np.ndarray) -> None:
        """`indexes` ascend; `sums` are "S32", to be read in slices, as numpy drops a single one's last zeros."""
        self.indexes, self.sums = np.ascontiguousarray(indexes), np.ascontiguousarray(sums)

    @classmethod
    def of(cls, found: Iterable[tuple[int, bytes]]) -> "DigestTable":
        """From indexes, in any order, with their digests."""
        entries = np.sort(np.fromiter(found, ENTRY), order="index")
        return cls(entries["index"], entries["digest"])

    def __or__(self, other: "DigestTable") -> "DigestTable":
        """Those of both, which share no index."""
        indexes = np.concatenate([self.indexes, other.indexes])
        order = np.argsort(indexes)
        return DigestTable(indexes[order], np.concatenate([self.sums, other.sums])[order])

    def __len__(self) -> int:
        return len(self.indexes)

    def __iter__(self) -> Iterator[int]:
        return iter(self.indexes.tolist())

    def __getitem__(self, index: int) -> str:
        row = int(np.searchsorted(self.indexes, index))
        if row == len(self) or self.indexes[row] != index:
            raise KeyError(index)
        return self._hex(row)

    def among(self, indexes: np.ndarray) -> Iterator[tuple[int, str | None]]:
        """Each of these indexes with its digest, or None; far quicker than one by one."""
        rows = np.searchsorted(self.indexes, indexes).tolist()
        for index, row, known in zip(indexes.tolist(), rows, np.isin(indexes, self.indexes).tolist(), strict=True):
            yield index, self._hex(row) if known else None

    def _hex(self, row: int) -> str:
        return self.sums[row : row + 1].tobytes().hex()
