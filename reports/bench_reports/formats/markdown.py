"""A table in GitHub Flavored Markdown."""

import re

from bench_reports.tables.table import Table


def markdown(table: Table) -> bytes:
    lines = [f"**{_escape(table.title)}**", ""]
    headers = [f"{group}: " * bool(group) + table.header(metric) for group, metric in table.columns]
    lines.append("| " + " | ".join(map(_escape, [*table.keys, *headers])) + " |")
    lines.append("|" + "---|" * len(table.keys) + "---:|" * len(headers))
    for names, line in table.lines:
        cells = [f"**{text}**" if best else text for text, best in line]
        lines.append("| " + " | ".join([*map(_escape, names), *cells]) + " |")
    lines += ["", *(f"* {_escape(note)}" for note in table.notes), ""]
    return "\n".join(lines).encode()


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]$&~])", r"\\\1", " ".join(text.split()))
