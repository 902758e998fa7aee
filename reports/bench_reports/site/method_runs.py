"""A method under one protocol: its cells, its line of the leaderboard, and the command that reproduces it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.protocol import load
from bench_core.store.store import Run, Store
from bench_reports.site.provenance import StoredCell
from bench_reports.site.rerun_command import rerun_command


@dataclass(frozen=True)
class MethodRun:
    """Results of one variant in one run."""

    run: Run
    board: Mapping[str, Any]
    """Data of the run's leaderboard."""
    cells: Sequence[StoredCell]
    """One cell for each seed."""
    command: str
    protocol_file: str
    """File of the protocol in the command; empty if the protocol has a name."""

    @property
    def _row(self) -> int:
        return [method["name"] for method in self.board["methods"]].index(self.cells[0].entry.variant)

    @property
    def results(self) -> Iterator[tuple[str, list[list[Any]]]]:
        """Each mask set with the leaderboard's cells of all metrics."""
        for view in self.board["views"]:
            if view["seed"] is None and not view["part"]:
                yield view["mask"], [cells[self._row] for cells in view["columns"]]

    @property
    def reasons(self) -> list[str]:
        """Reasons for missing numbers."""
        views = [view for view in self.board["views"] if view["seed"] is None]
        return [why for why in dict.fromkeys(view["reasons"][self._row] for view in views) if why]

    @property
    def provenance(self) -> list[tuple[str, dict[str, str]]]:
        """Title and labelled facts of each cell."""
        return [(cell.entry.title, cell.provenance(self.run)) for cell in self.cells]


def method_runs(store: Store, run: Run, board: Mapping[str, Any], plugins: Plugins) -> dict[str, MethodRun]:
    """Return the results of every variant in a merged run."""
    by_variant: dict[str, list[StoredCell]] = {}
    for entry in run.entries:
        by_variant.setdefault(entry.variant, []).append(StoredCell(store, entry))
    protocol_file = "" if _has_name(run, plugins) else f"{board['id']}.toml"
    protocol = protocol_file or run.protocol.name
    # training-free methods cannot be requested alone: they run beside all others
    whole = _command([cell for cells in by_variant.values() for cell in cells], protocol)
    return {
        name: MethodRun(run, board, cells, _command(cells, protocol) or whole, protocol_file)
        for name, cells in by_variant.items()
    }


def _command(cells: Sequence[StoredCell], protocol: str) -> str:
    entries = {cell.entry.variant: cell.entry for cell in cells}
    plugins = {cell.entry.variant: cell.identity["plugin"] for cell in cells if "plugin" in cell.identity}
    provenance = next(filter(None, (cell.evaluation or cell.training for cell in cells)), {})
    return rerun_command(entries, plugins, protocol, provenance)


def _has_name(run: Run, plugins: Plugins) -> bool:
    """Return whether an installed protocol of this name has the same rules."""
    try:
        return load(run.protocol.name, plugins.records("protocols").values()).hash == run.protocol.hash
    except BadInput:
        return False
