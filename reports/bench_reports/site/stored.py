"""What the store tells of one cell: what it is, and what trained and judged it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus, Store


@dataclass(frozen=True)
class StoredCell:
    """Records are empty where there are none."""

    store: Store
    entry: CellStatus

    @cached_property
    def identity(self) -> dict[str, Any]:
        return self._folder.read_record("identity")

    @cached_property
    def training(self) -> dict[str, Any]:
        return self._folder.read_record("provenance/training")

    @cached_property
    def judging(self) -> dict[str, Any]:
        """Of the first mask set that was judged."""
        told = (self._folder.read_record(f"provenance/{name}") for name in self.entry.evaluation_ids.values())
        return next(filter(None, told), {})

    @cached_property
    def mask_hashes(self) -> dict[str, str]:
        """By mask set."""
        rows = {name: self._folder.rows(evaluation_id) for name, evaluation_id in self.entry.evaluation_ids.items()}
        return {name: str(found["mask_set_hash"].iloc[0]) for name, found in rows.items() if len(found)}

    @property
    def _folder(self) -> CellFolder:
        return self.store.folder(self.entry)
