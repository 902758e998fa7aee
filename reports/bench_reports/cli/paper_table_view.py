"""A paper's table as `bench tables` shows it."""

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


@dataclass
class PaperTableView:
    """A table by its name, with its protocols."""

    plugins: "Plugins"
    name: str

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

        brought = self.plugins.records("protocols").values()
        return {name: load(name, brought) for name in self.table.protocols}

    def record(self, folder: Path | None) -> dict[str, Any]:
        from bench_reports.formats.data import record

        return record(self._built(folder))

    def show(self, folder: Path | None, format_: str, output: Path | None) -> None:
        if output and output.suffix in (".svg", ".png"):
            if not self.table.curves:
                raise BadInput(f"{self.name} is no figure of curves; {output.suffix} is for those.")
            self._draw(folder, output)
        else:
            emit_tables(self.plugins, [self._built(folder)], format_, output)

    def _draw(self, folder: Path | None, output: Path) -> None:
        from bench_core.system import files
        from bench_reports.figures.paper_curves import of_paper

        picture, numbers = of_paper(self.table, self.protocols, *self._stored(folder), format_=output.suffix[1:])
        files.write_bytes(output, picture)
        files.write_bytes(output.with_suffix(".csv"), numbers)

    def _built(self, folder: Path | None) -> Any:
        from bench_reports.papers.side_by_side import build

        return build(self.table, self.protocols, *self._stored(folder))

    def _stored(self, folder: Path | None) -> tuple[Any, ...]:
        """The store, its runs, and the known metrics."""
        from bench_core.store.store import read_runs

        return *(read_runs(folder) if folder else (None, [])), self.plugins.records("metrics")
