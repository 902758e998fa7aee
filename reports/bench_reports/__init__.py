"""Tables and pictures made from stored rows, and the tables of papers. Nothing here imports torch."""

from bench_core import NamedFile, Report, hookimpl
from bench_reports.papers import in_folder


@hookimpl
def bench_reports() -> list[Report]:
    return [
        Report("csv", ".csv", "bench_reports.data:csv"),
        Report("parquet", ".parquet", "bench_reports.data:parquet", binary=True),
        Report("markdown", ".md", "bench_reports.markdown:markdown"),
        Report("latex", ".tex", "bench_reports.latex:latex"),
        Report("html", ".html", "bench_reports.html:html", site="bench_reports.site.write:write"),
    ]


@hookimpl
def bench_protocols() -> list[NamedFile]:
    return in_folder("protocols")


@hookimpl
def bench_paper_tables() -> list[NamedFile]:
    return in_folder("tables")
