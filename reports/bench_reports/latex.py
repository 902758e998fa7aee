"""A table in LaTeX, with the rules of the booktabs package."""

from bench_reports.table import Table

SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "±": r"$\pm$",
    "†": r"$^\dagger$", "≈": r"$\approx$", "<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}",
}  # fmt: skip


def latex(table: Table) -> bytes:
    keys = len(table.keys)
    first, rules = keys + 1, []
    for _, width in table.groups:
        rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        first += width
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escape(table.title)}}}",
        rf"\begin{{tabular}}{{{'l' * keys}{'r' * len(table.columns)}}}",
        r"\toprule",
        " & ".join(
            [*[""] * keys, *(rf"\multicolumn{{{width}}}{{c}}{{{_escape(name)}}}" for name, width in table.groups)]
        )
        + r" \\",
        "".join(rules),
        " & ".join(map(_escape, [*table.keys, *(table.header(metric) for _, metric in table.columns)])) + r" \\",
        r"\midrule",
    ]
    for names, line in table.lines:
        cells = [rf"\textbf{{{_escape(text)}}}" if best else _escape(text) for text, best in line]
        lines.append(" & ".join([*map(_escape, names), *cells]) + r" \\")
    lines += [r"\bottomrule", r"\end{tabular}"]
    lines += [rf"\par\footnotesize {_escape(note)}" for note in table.notes]
    lines += [r"\end{table}", ""]
    return "\n".join(lines).encode()


def _escape(text: str) -> str:
    return "".join(SPECIAL.get(character, character) for character in " ".join(text.split()))
