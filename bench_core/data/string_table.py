"""Names of millions of images in one block of memory, which worker processes share without a copy."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
import pyarrow as pa

CHUNK = 10_000
"""Number of strings that iteration converts at a time."""


class StringTable(Sequence[str]):
    """Sequence of strings that takes little more memory than their text."""

    def __init__(self, block: pa.LargeStringArray) -> None:
        self.block = block

    @classmethod
    def from_strings(cls, names: Iterable[str]) -> "StringTable":
        """Build a table. Raises UnicodeEncodeError for a name that is not valid text."""
        return names if isinstance(names, cls) else cls(pa.array(names, pa.large_string()))

    @classmethod
    def sorted(cls, parts: Iterable["StringTable"]) -> "StringTable":
        """Merge several tables into one, sorted as text."""
        return cls(pa.concat_arrays([part.block for part in parts]).sort())

    def __len__(self) -> int:
        return len(self.block)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> "StringTable": ...
    def __getitem__(self, index: int | slice) -> "str | StringTable":
        places = range(len(self))[index]
        return self.block[places].as_py() if isinstance(places, int) else self.take(np.array(places, np.int64))

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), CHUNK):  # much faster than one by one
            yield from self.block.slice(start, CHUNK).to_pylist()

    def take(self, indexes: np.ndarray) -> "StringTable":
        """Return the strings at `indexes`, in that order."""
        return StringTable(self.block.take(pa.array(indexes)))

    def table(self) -> pa.Table:
        """Return an Arrow table with the single column ``name``."""
        return pa.table({"name": self.block})
