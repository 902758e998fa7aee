"""Tables and pictures made from stored rows. Nothing here imports torch."""

from bench_core import Report, hookimpl


@hookimpl
def bench_reports() -> list[Report]:
    return [
        Report("csv", ".csv", "bench_reports.data:csv"),
        Report("parquet", ".parquet", "bench_reports.data:parquet", binary=True),
        Report("markdown", ".md", "bench_reports.markdown:markdown"),
        Report("latex", ".tex", "bench_reports.latex:latex"),
        Report("html", ".html", "bench_reports.html:html"),
    ]
