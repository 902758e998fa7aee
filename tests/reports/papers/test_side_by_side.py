"""Laws of papers' tables: published and measured numbers stand side by side and are never taken for each other."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from support.toy_paper_table import METRICS, RULES, cell, measured, noted, protocol, run_of, table_of, text

from bench_core.paper_table import PaperTable, read
from bench_core.protocol import load
from bench_core.specs import NamedFile
from bench_core.store.store import Store
from bench_reports import bench_paper_tables, bench_protocols
from bench_reports.formats.terminal import show
from bench_reports.papers.side_by_side import build


@pytest.mark.parametrize("file", bench_paper_tables(), ids=lambda file: file.name)
def test_a_published_number_is_never_in_a_measured_column(file: NamedFile) -> None:
    """Where nothing was measured, every measured cell of every table is a dash."""
    table, rules = read(file), {}
    for name in table.protocols:
        rules[name] = load(name, bench_protocols())
    shown = build(table, rules, None, [], METRICS)
    assert set(measured(shown)) == {"-"}
    assert all(np.isnan(shown.values[c]).all() for c in shown.columns if c[1].endswith(" measured"))
    printed = [t for c in shown.columns if c[1].endswith(" published") for t in shown.texts[c] if t != "-"]
    assert sorted(printed) == sorted(number.value for number in table.published)


def test_the_layout_is_the_papers(paper: PaperTable) -> None:
    table = table_of(paper, None)
    assert list(table.values.index) == ["Old", "New (ours)", "Other"]
    assert table.groups == [("any", 2), ("Moon, box", 6), ("Mars", 2)]
    assert [c for g, c in table.columns if g == "Moon, box"] == [
        f"{metric} {kind}" for metric in ("error", "PSNR", "PSNR_change") for kind in ("published", "measured")
    ]
    assert table.header("PSNR measured").endswith("↑")
    assert table.header("error measured").endswith("↓")
    assert text(table, "New (ours)", "error published") == "12.25", "as printed, of its own table"


def test_measured_cells_are_means_in_the_units_and_decimals_of_the_paper(paper: PaperTable, store: Store) -> None:
    new = [
        cell(store, "new-tv", 0, l1=[0.1, 0.2], psnr=[20, 22]),
        cell(store, "new-tv", 1, l1=[0.3, 0.4], psnr=[24, 26]),
    ]
    other = cell(store, "other", l1=[0.5, 0.5], psnr=[16, 16])
    table = table_of(paper, store, run_of(RULES["moon"], *new, other))
    assert text(table, "New (ours)", "error measured") == f"{100 * (0.15 + 0.35) / 2:.2f}"
    assert text(table, "New (ours)", "PSNR measured") == "23.0‡"
    assert text(table, "Other", "PSNR measured") == "16.0‡"
    assert text(table, "New (ours)", "PSNR_change measured") == f"{100 * (23 / 16 - 1):.0f}"
    assert table.values.loc["New (ours)", ("Moon, box", "error measured")] == pytest.approx(25.0)
    assert table.values.loc["New (ours)", ("Moon, box", "error published")] == 12.25


def test_what_the_paper_leaves_empty_stays_empty(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], cell(store, "other", l1=[0.5], psnr=[16])))
    assert text(table, "Other", "error measured") == "-"
    assert text(table, "Old", "error measured") == "-"
    assert text(table, "New (ours)", "error measured") == "-"
    assert text(table, "New (ours)", "parameters measured", "any") == "-"
    assert text(table, "New (ours)", "PSNR measured", "Mars") == "-"
    assert noted(table, "mars has not been run") == 1
    assert noted(table, "moon has not been run") == 0


def test_a_change_needs_its_reference(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], cell(store, "new-tv", l1=[0.5], psnr=[16])))
    assert text(table, "New (ours)", "PSNR_change measured") == "-"


def test_runs_under_the_rules_count_before_others_and_later_ones_before_earlier(
    paper: PaperTable, store: Store
) -> None:
    def shown(*runs: tuple[int, float, str]) -> str:
        stored = [
            run_of(protocol(steps=steps), cell(store, "new-tv", l1=[value]), created=created)
            for steps, value, created in runs
        ]
        return text(table_of(paper, store, *stored), "New (ours)", "error measured")

    assert shown((9, 0.1, "2025-01-01"), (3, 0.2, "2025-01-02")) == "10.00"
    assert shown((3, 0.2, "2025-01-01"), (9, 0.1, "2025-01-02")) == "10.00"
    assert shown((3, 0.2, "2025-01-01"), (4, 0.3, "2025-01-02")) == "30.00‡"


def test_runs_of_other_protocols_and_methods_do_not_count(paper: PaperTable, store: Store) -> None:
    alien = run_of(protocol("sun"), cell(store, "new-tv", l1=[0.5], psnr=[16]))
    similar = run_of(RULES["moon"], cell(store, "new", l1=[0.5]), cell(store, "new-tv-style", l1=[0.5]))
    assert set(measured(table_of(paper, store, alien, similar))) == {"-"}


def test_a_method_with_given_weights_stands_in_where_it_was_not_trained(paper: PaperTable, store: Store) -> None:
    given, trained = cell(store, "new-tv (released)", l1=[0.25]), cell(store, "new-tv", l1=[0.5])
    assert text(table_of(paper, store, run_of(RULES["moon"], given)), "New (ours)", "error measured") == "25.00"
    assert (
        text(table_of(paper, store, run_of(RULES["moon"], given, trained)), "New (ours)", "error measured") == "50.00"
    )


def test_a_narrow_terminal_cuts_no_number_off(paper: PaperTable) -> None:
    console = Console(width=40, file=StringIO())
    show(table_of(paper, None), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(number.value in printed for number in paper.published)
    assert "…" not in printed
    assert console.width == 40
