"""Laws of LaTeX tables: any name can be set, no number is lost, and pdfLaTeX compiles them in a bare article."""

import os
import re
import shutil
import subprocess
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.stored_cells import KNOWN, L1, PSNR, done, run_of

from bench_core.store.store import Store
from bench_reports import figures
from bench_reports.figures import ranks
from bench_reports.figures.source import Source
from bench_reports.formats.latex import LOST, latex
from bench_reports.formats.latex_text import escaped, is_lost
from bench_reports.tables import by_hole_ratio, table, with_intervals
from bench_reports.tables.columns import Column
from bench_reports.tables.table import Table

EVIL = [
    "[x]", "*", "\\input{/etc/passwd}", "a_b & 50% $x$ {} #1 ^~", "}\\end{table}", "%", "--- ?` !` ``''", "\x00\x1b[2J",
    "café ≈ → αΩ ﬁ ² ﹩", "中文 😀 \u202e", "Łódź naïve Ÿ ø", '<script>"|',
]  # fmt: skip
COLUMNS = pd.MultiIndex.from_product([["center", "free-form"], [L1, PSNR]], names=["mask_set", "metric"])
SIGNS = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<", "textgreater": ">"}
SIGNS |= {"textbar": "|"}
PRINTABLE = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
TOKEN = re.compile(r"\\(text\w+)\{\}|\\([{}$&#%_])|\{([*\[]?)\}|([^\\{}$&#%_~^<>|*\[])")


def made(*names: str, **fields: Any) -> Table:
    index = pd.Index(names, name="method")
    values = pd.DataFrame([[0.1 + row, 20 / 3, np.inf, np.nan] for row in range(len(names))], index, COLUMNS)
    texts = values.map(lambda value: "-" if pd.isna(value) else f"{value:.2f} ± 0.10†≈")
    return Table("A title", values, texts, values == values.min(), KNOWN, ["A note."], **fields)


def printed(tex: str) -> str:
    """What LaTeX prints of ASCII; nothing that it would take for a command is left."""
    found, position = "", 0
    while position < len(tex):
        token = TOKEN.match(tex, position)
        assert token, f"a bare special character in {tex!r} at {position}"
        command, special, bracket, plain = token.groups()
        found += SIGNS[command] if command else special or bracket or plain or ""
        position = token.end()
    assert not re.search(r"--|``|''|[?!]`", tex), "a ligature"
    return found


def rows(content: bytes) -> list[list[str]]:
    """The cells of all tabulars, row by row."""
    bodies = re.findall(r"\\midrule\n(.*?)\n\\bottomrule", content.decode(), re.DOTALL)
    return [re.split(r"(?<!\\) & ", line.removesuffix(r" \\")) for body in bodies for line in body.split("\n")]


@given(st.lists(PRINTABLE, min_size=1, max_size=4, unique=True))
def test_names_of_ascii_are_printed_as_they_are(names: list[str]) -> None:
    assert [printed(row[0]) for row in rows(latex(made(*names)))] == names


@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4, unique=True))
def test_any_text_becomes_ascii_with_balanced_braces_in_its_own_row(names: list[str]) -> None:
    content = latex(made(*names))
    assert len(rows(content)) == len(names)
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", content.decode("ascii")):
        depth += 1 if brace == "{" else -1
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("é", r"\'{e}"), ("e\u0301", r"\'{e}"), ("Å", r"\r{A}"), ("ế", r"\'{\^{e}}"), ("ø", r"\o{}"),
        ("≈", r"$\approx$"), ("→", r"$\rightarrow$"), ("β", r"$\beta$"), ("µ", r"$\mu$"), ("\u2212", "$-$"),
        ("ﬁ", "fi"), ("²", "2"), ("﹩", r"\$"), ("中", "?"), ("😀", "?"), ("\x07", "?"), ("a\n\n b", "a b"),
        ("--x", "-{}-x"), ("[1]", "{[}1]"),
    ],
)  # fmt: skip
def test_what_becomes_of_a_text(text: str, tex: str) -> None:
    assert escaped(text) == tex
    assert is_lost(text) == (tex == "?")


def test_lost_letters_are_told_of_and_a_question_mark_is_not() -> None:
    note = escaped(LOST).encode()
    assert note in latex(made("中"))
    assert note not in latex(made("what?", "é"))


def test_a_cell_is_its_mean_its_interval_in_small_type_and_its_marks() -> None:
    best, second, _ = rows(
        latex(made("a", "b", "c", second=pd.DataFrame({COLUMNS[0]: [0, 1, 0]}, ["a", "b", "c"]) > 0))
    )
    small = r"{\scriptsize$\,\pm\,$0.10}$^\dagger$$\approx$"
    assert best[1] == rf"\textbf{{0.10}}{small}"
    assert second[1:] == [rf"\underline{{1.10}}{small}", rf"\textbf{{6.67}}{small}", rf"\textbf{{inf}}{small}", "-"]


@pytest.mark.parametrize(
    ("better", "means", "best", "second"),
    [
        ("lower", [1, 1, 2, 2, 3], [1, 1, 0, 0, 0], [0, 0, 1, 1, 0]),
        ("higher", [1, 2, 3, 2, np.nan], [0, 0, 1, 0, 0], [0, 1, 0, 1, 0]),
        ("higher", [np.inf, 5, 4], [1, 0, 0], [0, 1, 0]),
        ("lower", [2, 2], [1, 1], [0, 0]),
        ("lower", [2], [0], [0]),
    ],
)
def test_second_is_the_best_value_that_is_worse_than_the_best(
    better: str, means: list[float], best: list[int], second: list[int]
) -> None:
    metric = KNOWN[L1 if better == "lower" else PSNR]
    column = Column("center", metric, pd.Series(means, dtype=float), 9, pd.Series(1, range(len(means))))
    assert column.best.tolist() == list(map(bool, best))
    assert column.second.tolist() == list(map(bool, second))


def stored(store: Store, names: list[str]) -> list[Table]:
    rng = np.random.default_rng(0)
    entries = [
        done(store, name, l1=rng.random(12), psnr=20 + place + rng.random(12)) for place, name in enumerate(names)
    ]
    run = run_of(*entries, num_pairs=12)
    return [of for kind in (table, by_hole_ratio, with_intervals) for of in kind.build(store, [run], KNOWN)]


def test_every_kind_of_table_underlines_the_second_of_each_column(store: Store) -> None:
    for each in stored(store, ["a", "b", "c"]):
        content = latex(each).decode()
        assert content.count(r"\underline") == content.count(r"\textbf") == 2
        assert all(each.values[each.second].count() == each.values[each.best].count())


@pytest.mark.parametrize("count", [3, 100])
def test_wide_and_long_tables_are_divided_and_nothing_is_left_out(count: int) -> None:
    names = [f"method-{place}" for place in range(count)]
    columns = pd.MultiIndex.from_product([["center", "free-form"], list(KNOWN)[:9]], names=["mask_set", "metric"])
    values = pd.DataFrame(np.arange(count * 18.0).reshape(count, 18), pd.Index(names, name="method"), columns)
    texts = values.map("{:.1f} ± 0.1".format)
    content = latex(Table("T", values, texts, values < 0, KNOWN, ["A note."]))
    found = [cell.partition("{")[0] for row in rows(content) for cell in row[1:]]
    assert sorted(map(float, found)) == values.to_numpy().ravel().tolist()
    assert content.count(b"A note.") == 1
    longest = max(
        len(body.split("\n")) for body in re.findall(r"\\midrule\n(.*?)\n\\bottom", content.decode(), re.DOTALL)
    )
    assert longest == min(count, 44)
    assert content.count(b"(continued)") == content.count(b"addtocounter") == content.count(rb"\caption") - 1


@pytest.mark.skipif(not shutil.which("pdflatex") and os.environ.get("CI") != "true", reason="needs pdflatex")
def test_a_bare_article_with_all_tables_and_a_figure_compiles(store: Store, tmp_path: Path) -> None:
    tables = [*stored(store, EVIL), made(*EVIL, "plain")]
    (tmp_path / "tables.tex").write_bytes(b"\n".join(map(latex, tables)))
    run = run_of(*(done(store, name, l1=np.arange(12) / 12 + place) for place, name in enumerate(EVIL)), metrics=["l1"])
    for format_ in ("pdf", "png"):
        (tmp_path / f"ranks.{format_}").write_bytes(figures.save(ranks.draw(Source(store, run, KNOWN)), format_))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
        r"\input{tables}\includegraphics{ranks.pdf}\par\includegraphics{ranks.png}\end{document}"
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "paper.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False)
    assert result.returncode == 0, result.stdout[-3000:]
    assert not re.search(r"Overfull \\hbox|too large for page|Missing character|^!", result.stdout, re.MULTILINE)
    assert "(3.25in" not in result.stdout
    with Image.open(BytesIO((tmp_path / "ranks.png").read_bytes())) as picture:
        assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1), "LaTeX must know its size"
