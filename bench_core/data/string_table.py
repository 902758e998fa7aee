"""Names of very many images in one block of memory, which worker processes share and never copy."""

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import numpy as np
import pyarrow as pa

STRIDE = 10_000


class StringTable(Sequence[str]):
    """A sequence of strings that takes little more memory than their text."""

    def __init__(self, block: pa.LargeStringArray) -> None:
        self.block = block

    @classmethod
    def of(cls, names: Iterable[str]) -> "StringTable":
        """Raises UnicodeEncodeError for a name that is not valid text."""
        return names if isinstance(names, cls) else cls(pa.array(names, pa.large_string()))

    @classmethod
    def sorted(cls, parts: Iterable["StringTable"]) -> "StringTable":
        """All names of several, in the order of their text."""
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
        for start in range(0, len(self), STRIDE):  # far quicker than one by one
            yield from self.block.slice(start, STRIDE).to_pylist()

    def take(self, indexes: np.ndarray) -> "StringTable":
        """The names at some indexes, in their order."""
        return StringTable(self.block.take(pa.array(indexes)))

    def table(self) -> pa.Table:
        return pa.table({"name": self.block})
