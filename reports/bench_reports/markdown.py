"""A table in GitHub's Markdown."""

import re

from bench_reports.table import Table


def markdown(table: Table) -> bytes:
    lines = [f"**{_escape(table.title)}**", ""]
    headers = [f"{_escape(mask_set)}: {table.header(metric)}" for mask_set, metric in table.values.columns]
    lines.append("| method | " + " | ".join(headers) + " |")
    lines.append("|---|" + "---:|" * len(headers))
    for variant, texts in table.texts.iterrows():
        best = table.best.loc[variant]
        cells = [f"**{text}**" if top else text for text, top in zip(texts, best, strict=True)]
        lines.append(f"| {_escape(str(variant))} | " + " | ".join(cells) + " |")
    lines += ["", *(f"* {_escape(note)}" for note in table.notes), ""]
    return "\n".join(lines).encode()


def _escape(text: str) -> str:
    return re.sub(r"([\\`*_|<>\[\]])", r"\\\1", " ".join(text.split()))
