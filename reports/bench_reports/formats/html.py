"""A table as one self-contained HTML page."""

from jinja2 import Environment, PackageLoader

from bench_reports.tables.table import Table


def html(table: Table) -> bytes:
    template = Environment(loader=PackageLoader("bench_reports"), autoescape=True).get_template("table.html")
    return template.render(table=table).encode()
