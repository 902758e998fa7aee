"""A table in GitHub's Markdown."""

import re

from bench_reports.table import Table


def markdown(table: Table) -> bytes:
    lines = [f"**{_escape(table.title)}**", ""]
    headers = [_escape(f"{mask_set}: {table.header(metric)}") for mask_set, metric in table.columns]
    lines.append("| method | " + " | ".join(headers) + " |")
    lines.append("|---|" + "---:|" * len(headers))
    for variant, line in table.lines:
        cells = [f"**{text}**" if best else text for text, best in line]
        lines.append(f"| {_escape(variant)} | " + " | ".join(cells) + " |")
    lines += ["", *(f"* {_escape(note)}" for note in table.notes), ""]
    return "\n".join(lines).encode()


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]$&~])", r"\\\1", " ".join(text.split()))
