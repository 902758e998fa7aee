"""A table as a page that needs nothing else."""

from itertools import groupby

from jinja2 import Environment, PackageLoader

from bench_reports.table import Table


def html(table: Table) -> bytes:
    template = Environment(loader=PackageLoader("bench_reports"), autoescape=True).get_template("table.html")
    columns = list(table.values.columns)
    groups = [(mask_set, len(list(group))) for mask_set, group in groupby(columns, key=lambda column: column[0])]
    rows = [
        (variant, list(zip(texts, table.best.loc[variant], strict=True))) for variant, texts in table.texts.iterrows()
    ]
    headers = [table.header(metric) for _, metric in columns]
    return template.render(table=table, groups=groups, headers=headers, rows=rows).encode()
