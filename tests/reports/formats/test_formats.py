"""Output formats: any name of a method comes back unchanged."""

import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO, StringIO

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.console import Console

from bench_core.metrics import bench_metrics
from bench_core.specs import resolve
from bench_reports import bench_reports
from bench_reports.formats import terminal
from bench_reports.tables.table import Table

WRITE = {report.name: resolve(report.write) for report in bench_reports()}
METRICS = {metric.definition: metric for metric in bench_metrics()}
COLUMNS = pd.MultiIndex.from_product([["center", "free-form"], ["l1@full", "psnr@full"]], names=["mask_set", "metric"])
NASTY = ["<script>alert(1)</script>", "a_b & 50% $x$ {}", "|", r"\textbf{x}\\", "`a` *b* ~~c~~ [d](e)", "&lt; #1 ^~"]
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=12)


def table(*variants: str, title: str = "A title", note: str = "A note.") -> Table:
    index = pd.Index(variants, name="method")
    numbers = [[0.1 + row, 20 / 3, math.inf, math.nan] for row in range(len(variants))]
    values = pd.DataFrame(numbers, index, COLUMNS)
    texts = values.map(lambda value: "-" if pd.isna(value) else f"{value:.2f} ± 0.10†≈")
    best = values == values.min()
    return Table(title, values, texts, best, METRICS, [note])


class Cells(HTMLParser):
    """Parser that collects every tag and the text of every cell."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.cells: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append(tag)
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        if self.cells:
            self.cells[-1] += data

    def rows(self, count: int) -> list[list[str]]:
        """Return the last `count` rows, each with a variant and its cells."""
        width = len(COLUMNS) + 1
        cells = [cell.strip() for cell in self.cells[-count * width :]]
        cells[-1] = cells[-1].split("\n")[0]
        return [cells[start : start + width] for start in range(0, len(cells), width)]


def expected(made: Table) -> list[list[str]]:
    return [[*names, *(text for text, _ in cells)] for names, cells in made.lines]


def rendered(markdown: str) -> Cells:
    return Cells(MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize("name", ["csv", "parquet"])
def test_data_formats_give_back_equal_numbers(name: str) -> None:
    made = table("a", "b,\n'c'", *NASTY)
    content = BytesIO(WRITE[name](made))
    frame = pd.read_csv(content) if name == "csv" else pd.read_parquet(content)
    assert list(frame.columns) == ["method", *(f"{mask_set}/{metric}" for mask_set, metric in made.columns)]
    assert frame["method"].tolist() == list(made.values.index)
    pd.testing.assert_frame_equal(
        frame.drop(columns="method"), made.values.set_axis(frame.columns[1:], axis=1).reset_index(drop=True), rtol=1e-15
    )


def test_markdown_shows_hostile_names_as_text() -> None:
    made = table(*NASTY, title="; ".join(NASTY), note="; ".join(NASTY))
    page = rendered(WRITE["markdown"](made).decode())
    assert page.rows(len(NASTY)) == expected(made)
    assert not {"script", "code", "em", "a", "s"} & set(page.tags)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_markdown_shows_any_name(names: list[str]) -> None:
    made = table(*names)
    assert rendered(WRITE["markdown"](made).decode()).rows(len(names)) == expected(made)


def test_markdown_escapes_dollars() -> None:
    assert not re.search(r"(?<!\\)\$", WRITE["markdown"](table("$x$", title="$x$", note="$x$")).decode())


def test_hostile_metric_title_keeps_the_columns_of_markdown() -> None:
    made = table("a")
    strange = replace(METRICS["l1@full"], title="|x| <b>")
    page = rendered(WRITE["markdown"](replace(made, metrics={**METRICS, "l1@full": strange})).decode())
    assert page.rows(1) == expected(made)
    assert page.cells[1].strip() == "center: |x| <b> ↓"


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True) | st.just(NASTY))
def test_html_shows_any_name(names: list[str]) -> None:
    made = table(*names, title=names[0], note=names[0])
    page = Cells(WRITE["html"](made).decode())
    assert page.rows(len(names)) == expected(made)
    assert "script" not in page.tags


@pytest.mark.parametrize(
    ("name", "bold"), [("markdown", "**{}**"), ("latex", r"\textbf{{{}}}"), ("html", "<strong>{}</strong>")]
)
def test_only_the_best_value_is_bold(name: str, bold: str) -> None:
    made = table("a", "b")
    content = WRITE[name](replace(made, texts=made.values.map("{:.1f}".format))).decode()
    assert bold.format("0.1") in content
    assert "1.1" in content
    assert bold.format("1.1") not in content


def test_every_format_shows_title_columns_and_notes() -> None:
    for name in ("markdown", "latex", "html"):
        content = WRITE[name](table("a")).decode()
        assert all(part in content for part in ("A title", "center", "free-form", "L1", "PSNR", "A note.")), name


def shown(made: Table) -> str:
    console = Console(file=StringIO(), width=400, force_terminal=True, color_system=None)
    terminal.show(made, console)
    return console.file.getvalue()  # pyright: ignore[reportAttributeAccessIssue]


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True) | st.just([*NASTY, "[red]x[/]", "[link=http://a]b[/link]"]))
def test_terminal_shows_any_name_as_text(names: list[str]) -> None:
    printed = shown(table(*names, title=names[0], note=names[0]))
    assert all(name in printed for name in names)


def test_names_cannot_control_the_terminal() -> None:
    hostile = "a\x1b[2Jb\x07\x9bc\u202ed"
    assert not re.search("[\x07\x9b\u202e]|\x1b\\[2J", shown(table(hostile, title=hostile, note=hostile)))


@pytest.mark.parametrize("name", ["latex", "markdown"])
def test_name_of_several_lines_stays_in_its_row(name: str) -> None:
    assert WRITE[name](table("a\n\nb")) == WRITE[name](table("a b"))
