"""What a store holds of a paper's protocol, and in what it departs from it."""

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
    """The runs of one protocol that share images and rules, and their table."""

    protocol: Protocol
    """As it is named; the runs may have changed it."""
    runs: Sequence[Run]
    table: Table

    def cell(self, request: str, mask_set: str, definition: str) -> tuple[float, str]:
        """The mean that a method has, NaN where there is none, and the text that `bench report` prints for it."""
        names = [str(name) for name in self.table.values.index]
        # with given weights, or at another precision, a variant's name tells so in brackets
        row = next((name for name in [request, *names] if name in names and name.partition(" (")[0] == request), None)
        if row is None or (mask_set, definition) not in self.table.columns:
            return np.nan, "-"
        place = names.index(row), self.table.columns.index((mask_set, definition))
        return float(self.table.values.to_numpy()[place]), str(self.table.texts.to_numpy()[place])

    @property
    def num_pairs(self) -> int:
        return self.runs[-1].num_pairs

    @property
    def departures(self) -> list[str]:
        """What was changed in the protocol, as ``key = value, not value``."""
        return departures(self.protocol, self.runs[-1].protocol)


def find(store: Store | None, runs: Sequence[Run], protocol: Protocol, known: Mapping[str, Metric]) -> Measured | None:
    """The runs under a protocol; where some changed it, those that did not, or else those of the last change."""
    mine = [run for run in runs if run.protocol.name == protocol.name]
    if store is None or not mine:
        return None
    best = max(mine, key=lambda run: (run.protocol.hash == protocol.hash, run.created))
    alike = [run for run in mine if (run.protocol.hash, run.images) == (best.protocol.hash, best.images)]
    (table,) = build(store, alike, known)
    return Measured(protocol, alike, table)


def departures(named: Protocol, used: Protocol, keys: Iterable[str] = ()) -> list[str]:
    """In what the rules that were used depart from the named ones, as ``key = value, not value``; in all keys, if none
    are given."""
    rules = [_rules(protocol) for protocol in (named, used)]
    return [
        f"{key} = {rules[1][key]}, not {rules[0][key]}" for key in keys or rules[0] if rules[1][key] != rules[0][key]
    ]


def _rules(protocol: Protocol) -> dict[str, Any]:
    rules = protocol.model_dump(mode="json", exclude={"name", "title"})
    # a mask set's parameters say more than fits a note
    return rules | {"masks": ", ".join(f"{name} {mask}" for name, mask in rules["masks"].items())}
