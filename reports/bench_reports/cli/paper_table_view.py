"""A paper's table as `bench tables` prints and draws it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench_core.errors import BadInput, unknown
from bench_reports.cli.report import emit_tables

if TYPE_CHECKING:
    from bench_core.paper_table import PaperTable
    from bench_core.plugins import Plugins
    from bench_core.protocol import Protocol
    from bench_reports.tables.table import Table


@dataclass
class PaperTableView:
    """A paper's table, loaded by name with its protocols. `runs` is a folder of measured runs, or None."""

    plugins: "Plugins"
    name: str
    chosen: Sequence[Path] = ()
    """Folders of the runs to take of their protocols."""

    @cached_property
    def table(self) -> "PaperTable":
        from bench_core.paper_table import read

        known = self.plugins.records("paper_tables")
        if self.name not in known:
            raise unknown("table", self.name, known)
        return read(known[self.name])

    @cached_property
    def protocols(self) -> dict[str, "Protocol"]:
        from bench_core.protocol import load

        files = self.plugins.records("protocols").values()
        return {name: load(name, files) for name in self.table.protocols}

    def record(self, runs: Path | None) -> dict[str, Any]:
        """Return the table as plain data for JSON."""
        from bench_reports.formats.data import record

        return record(self._side_by_side(runs))

    def show(self, runs: Path | None, format_: str, output: Path | None) -> None:
        """Print the table or write it to a file. An image file gets the paper's figure of curves.

        Raises:
            BadInput: an image was requested, but the paper's table is no figure or its curves were not measured.
        """
        if output and output.suffix in (".svg", ".png"):
            if not self.table.curves:
                raise BadInput(f"{self.name} is a table, not a figure of curves; {output.suffix} needs a figure.")
            self._draw(runs, output)
        else:
            emit_tables(self.plugins, [self._side_by_side(runs)], format_, output)

    def _draw(self, runs: Path | None, output: Path) -> None:
        from bench_core.system import files
        from bench_reports.figures.paper_curves import draw_paper_figure

        image, numbers = draw_paper_figure(self.table, self.protocols, *self._stored(runs), format_=output.suffix[1:])
        files.write_bytes(output, image)
        files.write_bytes(output.with_suffix(".csv"), numbers)

    def _side_by_side(self, runs: Path | None) -> "Table":
        from bench_reports.papers.side_by_side import build

        return build(self.table, self.protocols, *self._stored(runs))

    def _stored(self, runs: Path | None) -> tuple[Any, ...]:
        """Return the store, its runs, and the installed metrics."""
        from bench_core.store.store import read_runs
        from bench_reports.papers.measured import choose

        known = self.plugins.records("metrics")
        if runs is None:
            return None, [], known
        store, stored = read_runs(runs)
        return store, choose(store, stored, self.chosen), known
