"""A method under one set of rules: its cells, its line of the leaderboard, and how to run it again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench_core.errors import BadInput
from bench_core.plugins import Plugins
from bench_core.protocol import load
from bench_core.store.store import CellStatus, Run, Store
from bench_reports.site import provenance, rerun_command
from bench_reports.site.stored import StoredCell


@dataclass(frozen=True)
class MethodRun:
    run: Run
    board: Mapping[str, Any]
    """The leaderboard of the rules."""
    cells: Sequence[StoredCell]
    """One for each seed."""
    command: str
    rules: str
    """The file of the protocol that the command names; "" where it has a name of its own."""

    @property
    def _row(self) -> int:
        return [method["name"] for method in self.board["methods"]].index(self.cells[0].entry.variant)

    @property
    def results(self) -> Iterator[tuple[str, list[list[Any]]]]:
        """For each mask set the leaderboard's cell of every metric."""
        for view in self.board["views"]:
            if view["seed"] is None and not view["part"]:
                yield view["mask"], [cells[self._row] for cells in view["columns"]]

    @property
    def failures(self) -> list[str]:
        views = [view for view in self.board["views"] if view["seed"] is None]
        return [why for why in dict.fromkeys(view["why"][self._row] for view in views) if why]

    @property
    def provenance(self) -> list[tuple[str, dict[str, str]]]:
        """The title and the facts of every cell."""
        return [(cell.entry.title, provenance.lines(self.run, cell)) for cell in self.cells]


def trials(store: Store, run: Run, board: Mapping[str, Any], plugins: Plugins) -> dict[str, MethodRun]:
    """By variant, of a merged run."""
    cells: dict[str, list[StoredCell]] = {}
    for entry in run.entries:
        cells.setdefault(entry.variant, []).append(StoredCell(store, entry))
    file = "" if _is_named(run, plugins) else f"{board['id']}.toml"
    rules = file or run.protocol.name
    # what learns nothing cannot be asked for alone: it runs beside all others
    every = _command([cell for of in cells.values() for cell in of], rules)
    return {name: MethodRun(run, board, of, _command(of, rules) or every, file) for name, of in cells.items()}


def _command(cells: Sequence[StoredCell], rules: str) -> str:
    entries: dict[str, CellStatus] = {cell.entry.variant: cell.entry for cell in cells}
    plugins = {cell.entry.variant: cell.identity["plugin"] for cell in cells if "plugin" in cell.identity}
    told = next(filter(None, (cell.judging or cell.training for cell in cells)), {})
    return rerun_command.command(entries, plugins, rules, told)


def _is_named(run: Run, plugins: Plugins) -> bool:
    """Whether the rules have a name under which they can be asked for here."""
    try:
        return load(run.protocol.name, plugins.records("protocols").values()).hash == run.protocol.hash
    except BadInput:
        return False
