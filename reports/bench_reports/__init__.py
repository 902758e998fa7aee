"""Tables and pictures made from stored rows, and the tables of papers. Nothing here imports torch."""

from typing import Any

from bench_core import Command, NamedFile, Report, hookimpl
from bench_reports.papers.published import in_folder


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
    return in_folder("protocols")


@hookimpl
def bench_paper_tables() -> list[NamedFile]:
    return in_folder("tables")


@hookimpl
def bench_commands() -> list[Command]:
    names = ("report", "figure", "compare", "tables", "cost")
    return [Command(name, "Experiments", f"bench_reports.cli.{name}:{name}") for name in names]


@hookimpl
def bench_publish(plugins, store, run, folder, beside) -> dict[str, Any]:
    from bench_reports.publish import publish

    return publish(plugins, store, run, folder, beside)
