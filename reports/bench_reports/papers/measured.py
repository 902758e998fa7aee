"""Results of a paper's protocol in a store, and what its runs changed in the protocol."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.table import Table, build


@dataclass(frozen=True)
class Measured:
    """Runs of one protocol with the same images and rules, and their table."""

    protocol: Protocol
    """Protocol as the paper's table names it; the runs may have changed it."""
    runs: Sequence[Run]
    table: Table

    def cell(self, request: str, mask_set: str, definition: str) -> tuple[float, str]:
        """Return the mean of a method, NaN if missing, and the text of its cell in `bench report`."""
        names = [str(name) for name in self.table.values.index]
        # a variant's name ends with a bracket if it used given weights or another precision
        row = next((name for name in [request, *names] if name in names and name.partition(" (")[0] == request), None)
        if row is None or (mask_set, definition) not in self.table.columns:
            return np.nan, "-"
        place = names.index(row), self.table.columns.index((mask_set, definition))
        return float(self.table.values.to_numpy()[place]), str(self.table.texts.to_numpy()[place])

    @property
    def num_pairs(self) -> int:
        return self.runs[-1].num_pairs

    @property
    def changes(self) -> list[str]:
        """Changed rules of the protocol, as ``key = value, not value``."""
        return changed_rules(self.protocol, self.runs[-1].protocol)


def find(store: Store | None, runs: Sequence[Run], protocol: Protocol, known: Mapping[str, Metric]) -> Measured | None:
    """Find the runs of a protocol: unchanged ones if there are any, otherwise those like the latest changed one."""
    mine = [run for run in runs if run.protocol.name == protocol.name]
    if store is None or not mine:
        return None
    best = max(mine, key=lambda run: (run.protocol.hash == protocol.hash, run.created))
    alike = [run for run in mine if (run.protocol.hash, run.images) == (best.protocol.hash, best.images)]
    (table,) = build(store, alike, known)
    return Measured(protocol, alike, table)


def changed_rules(named: Protocol, used: Protocol, keys: Iterable[str] = ()) -> list[str]:
    """List the rules that differ, as ``key = value, not value``. No `keys` means all."""
    before, after = _rules(named), _rules(used)
    return [f"{key} = {after[key]}, not {before[key]}" for key in keys or before if after[key] != before[key]]


def _rules(protocol: Protocol) -> dict[str, Any]:
    rules = protocol.model_dump(mode="json", exclude={"name", "title"})
    # all parameters of the mask sets would not fit a note
    return rules | {"masks": ", ".join(f"{name} {mask}" for name, mask in rules["masks"].items())}
