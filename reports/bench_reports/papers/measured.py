"""Results of a paper's protocol in a store, and what its runs changed in the protocol."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench_core.errors import BadInput
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.tables.merging import MergedRun, merge_runs
from bench_reports.tables.table import Table, build_table, protocol_title

ADVICE = "Give one by --run RUNS/runs/NAME:"
"""What to do if several runs could be meant; the runs follow."""


@dataclass(frozen=True)
class Measured:
    """Runs of one protocol with the same images and rules, and their table."""

    protocol: Protocol
    """Protocol as the paper's table names it; the runs may have changed it."""
    run: MergedRun
    table: Table

    def variant(self, request: str) -> str:
        """Return the variant that stands for a request; empty if there is none.

        It is the one of that name, else the only one that has a bracket after it: a variant's name ends with a bracket
        if it used given weights or another precision.

        Raises:
            BadInput: several have one.
        """
        names = [str(name) for name in self.table.values.index]
        alike = [request] if request in names else [name for name in names if name.partition(" (")[0] == request]
        if len(alike) > 1:
            raise BadInput(
                f"{request} could be {', '.join(alike)}, which were all measured under {self.run.protocol.name}. "
                f"{ADVICE}{_listed([self.run])}"
            )
        return alike[0] if alike else ""

    def cell(self, request: str, mask_set: str, definition: str) -> tuple[float, str]:
        """Return the mean of a method, NaN if missing, and the text of its cell in `bench report`."""
        names, row = [str(name) for name in self.table.values.index], self.variant(request)
        if not row or (mask_set, definition) not in self.table.columns:
            return np.nan, "-"
        place = names.index(row), self.table.columns.index((mask_set, definition))
        return float(self.table.values.to_numpy()[place]), str(self.table.texts.to_numpy()[place])

    @property
    def num_pairs(self) -> int:
        return self.run.num_pairs

    @property
    def changes(self) -> list[str]:
        """Changed rules of the protocol, as ``key = value, not value``."""
        return changed_rules(self.protocol, self.run.protocol)


def find(store: Store | None, runs: Sequence[Run], protocol: Protocol, known: Mapping[str, Metric]) -> Measured | None:
    """Find the runs of a protocol: the only ones, or the only ones that changed none of its rules.

    Raises:
        BadInput: there are several that differ in rules or images.
    """
    mine = [run for run in runs if run.protocol.name == protocol.name]
    if store is None or not mine:
        return None
    merged = merge_runs(store, mine)
    unchanged = [run for run in merged if run.protocol.hash == protocol.hash]
    several = unchanged or merged
    if len(several) > 1:
        raise BadInput(f"Several experiments of {protocol.name} could be meant. {ADVICE}{_listed(several)}")
    return Measured(protocol, several[0], build_table(store, several[0], known))


def choose(store: Store, runs: Sequence[Run], folders: Sequence[Path]) -> list[Run]:
    """Return the runs in some folders, and all runs of other protocols.

    Raises:
        BadInput: a folder holds no run of the store.
    """
    chosen = []
    for folder in folders:
        found = [run for run in runs if store.run_folder(run).resolve() == folder.resolve()]
        if not found:
            raise BadInput(f"{folder} is no run of {store.root}: give a folder below its runs/.")
        chosen += found
    names = {run.protocol.name for run in chosen}
    return [run for run in runs if run.protocol.name not in names or run in chosen]


def _listed(merged: Sequence[MergedRun]) -> str:
    lines = [f"\n  {name}: {protocol_title(run)}" for run in merged for name in run.folder_names]
    return "".join(lines)


def changed_rules(named: Protocol, used: Protocol, keys: Iterable[str] = ()) -> list[str]:
    """List the rules that differ, as ``key = value, not value``. No `keys` means all."""
    before, after = _rules(named), _rules(used)
    return [f"{key} = {after[key]}, not {before[key]}" for key in keys or before if after[key] != before[key]]


def _rules(protocol: Protocol) -> dict[str, Any]:
    rules = protocol.model_dump(mode="json", exclude={"name", "title"})
    # all parameters of the mask sets would not fit a note
    return rules | {"masks": ", ".join(f"{name} {mask}" for name, mask in rules["masks"].items())}
