"""Reports from stored rows: tables, figures, result pages, and tables of papers. Nothing here imports torch."""

from pathlib import Path
from typing import Any

from bench_core import Command, NamedFile, Report, hookimpl

_HERE = Path(__file__).parent
# published numbers, protocols and tables lie beside this package in a checkout, and inside it once installed
PUBLISHED_FOLDER = next(folder for folder in (_HERE / "published", _HERE.parent / "published") if folder.is_dir())


@hookimpl
def bench_reports() -> list[Report]:
    return [
        Report("csv", ".csv", "bench_reports.formats.data:csv"),
        Report("parquet", ".parquet", "bench_reports.formats.data:parquet", binary=True),
        Report("markdown", ".md", "bench_reports.formats.markdown:markdown"),
        Report("latex", ".tex", "bench_reports.formats.latex:latex"),
        Report("html", ".html", "bench_reports.formats.html:html", site="bench_reports.site.write:write"),
    ]


@hookimpl
def bench_protocols() -> list[NamedFile]:
    return _toml_files("protocols")


@hookimpl
def bench_paper_tables() -> list[NamedFile]:
    return _toml_files("tables")


def _toml_files(folder: str) -> list[NamedFile]:
    return [NamedFile(path.stem, path) for path in sorted((PUBLISHED_FOLDER / folder).glob("*.toml"))]


@hookimpl
def bench_commands() -> list[Command]:
    names = ("report", "figure", "compare", "tables", "cost")
    return [Command(name, "Experiments", f"bench_reports.cli.{name}:{name}") for name in names]


@hookimpl
def bench_publish(plugins, store, run, folder, beside) -> dict[str, Any]:
    from bench_reports.publish import publish

    return publish(plugins, store, run, folder, beside)
