"""Published and measured numbers of a paper's table stand side by side and are never mixed up."""

from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from rich.console import Console
from support.stored_cells import KNOWN, done, noted
from support.toy_paper_table import RULES, measured, protocol, run_of, table_of, text

from bench_core.errors import BadInput
from bench_core.paper_table import PaperTable, read
from bench_core.protocol import load
from bench_core.specs import NamedFile
from bench_core.store.store import Store
from bench_reports import bench_paper_tables, bench_protocols
from bench_reports.formats.terminal import show
from bench_reports.papers.measured import choose
from bench_reports.papers.side_by_side import build


@pytest.mark.parametrize("file", bench_paper_tables(), ids=lambda file: file.name)
def test_measured_columns_never_contain_published_numbers(file: NamedFile) -> None:
    """Without measurements every measured cell of every table is a dash."""
    table, rules = read(file), {}
    for name in table.protocols:
        rules[name] = load(name, bench_protocols())
    shown = build(table, rules, None, [], KNOWN)
    assert set(measured(shown)) == {"-"}
    assert all(np.isnan(shown.values[c]).all() for c in shown.columns if c[1].endswith(" measured"))
    printed = [t for c in shown.columns if c[1].endswith(" published") for t in shown.texts[c] if t != "-"]
    assert sorted(printed) == sorted(number.value for number in table.published)


def test_layout_follows_the_paper(paper: PaperTable) -> None:
    table = table_of(paper, None)
    assert list(table.values.index) == ["Old", "New (ours)", "Other"]
    assert table.groups == [("any", 2), ("Moon, box", 6), ("Mars", 2)]
    assert [c for g, c in table.columns if g == "Moon, box"] == [
        f"{metric} {kind}" for metric in ("error", "PSNR", "PSNR_change") for kind in ("published", "measured")
    ]
    assert table.header("PSNR measured").endswith("↑")
    assert table.header("error measured").endswith("↓")
    assert text(table, "New (ours)", "error published") == "12.25", "the printed value, from the right table"


def test_measured_cells_use_units_and_decimals_of_the_paper(paper: PaperTable, store: Store) -> None:
    new = [
        done(store, "new-tv", 0, l1=[0.1, 0.2], psnr=[20, 22]),
        done(store, "new-tv", 1, l1=[0.3, 0.4], psnr=[24, 26]),
    ]
    other = done(store, "other", l1=[0.5, 0.5], psnr=[16, 16])
    table = table_of(paper, store, run_of(RULES["moon"], *new, other))
    assert text(table, "New (ours)", "error measured") == f"{100 * (0.15 + 0.35) / 2:.2f}"
    assert text(table, "New (ours)", "PSNR measured") == "23.0‡"
    assert text(table, "Other", "PSNR measured") == "16.0‡"
    assert text(table, "New (ours)", "PSNR_change measured") == f"{100 * (23 / 16 - 1):.0f}"
    assert table.values.loc["New (ours)", ("Moon, box", "error measured")] == pytest.approx(25.0)
    assert table.values.loc["New (ours)", ("Moon, box", "error published")] == 12.25


def test_empty_cells_of_the_paper_stay_empty(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], done(store, "other", l1=[0.5], psnr=[16])))
    assert text(table, "Other", "error measured") == "-"
    assert text(table, "Old", "error measured") == "-"
    assert text(table, "New (ours)", "error measured") == "-"
    assert text(table, "New (ours)", "parameters measured", "any") == "-"
    assert text(table, "New (ours)", "PSNR measured", "Mars") == "-"
    assert noted(table, "mars has not been run") == 1
    assert noted(table, "moon has not been run") == 0


def test_relative_change_needs_its_reference(paper: PaperTable, store: Store) -> None:
    table = table_of(paper, store, run_of(RULES["moon"], done(store, "new-tv", l1=[0.5], psnr=[16])))
    assert text(table, "New (ours)", "PSNR_change measured") == "-"


def test_only_unchanged_rules_come_before_changed_ones(paper: PaperTable, store: Store) -> None:
    def shown(*runs: tuple[int, float, str]) -> str:
        stored = [
            run_of(protocol(steps=steps), done(store, "new-tv", l1=[value]), created=created)
            for steps, value, created in runs
        ]
        return text(table_of(paper, store, *stored), "New (ours)", "error measured")

    assert shown((9, 0.1, "2025-01-01"), (3, 0.2, "2025-01-02")) == "10.00"
    assert shown((3, 0.2, "2025-01-01"), (9, 0.1, "2025-01-02")) == "10.00"
    assert shown((4, 0.3, "2025-01-02")) == "30.00‡"
    with pytest.raises(BadInput, match=r"(?s)Several experiments of moon.*--run.* 3 steps .* 4 steps "):
        shown((3, 0.2, "2025-01-01"), (4, 0.3, "2025-01-02"))


def test_several_variants_of_a_request_are_refused_with_a_choice(paper: PaperTable, store: Store) -> None:
    given = [run_of(RULES["moon"], done(store, f"new-tv ({name})", l1=[0.1])) for name in ("a", "b")]
    with pytest.raises(BadInput, match=r"(?s)new-tv could be new-tv \(a\), new-tv \(b\).*--run.*moon-"):
        table_of(paper, store, *given)
    chosen = choose(store, given, [store.run_folder(given[1])])
    assert noted(table_of(paper, store, *chosen), "Measured: New (ours) by new-tv (b)") == 1
    trained = run_of(RULES["moon"], done(store, "new-tv", l1=[0.3]))
    assert text(table_of(paper, store, *given, trained), "New (ours)", "error measured") == "30.00"


def test_runs_are_chosen_for_their_protocols_only(store: Store) -> None:
    rules = (RULES["moon"], protocol(steps=3), RULES["mars"])
    moon, again, mars = (run_of(each, done(store, "new-tv", l1=[0.1])) for each in rules)
    assert choose(store, [moon, again, mars], [store.run_folder(again)]) == [again, mars]
    assert choose(store, [moon, again, mars], []) == [moon, again, mars]
    with pytest.raises(BadInput, match="nowhere is no run of"):
        choose(store, [moon], [store.root / "nowhere"])


def test_other_images_are_another_experiment(paper: PaperTable, store: Store) -> None:
    one = run_of(RULES["moon"], done(store, "new-tv", l1=[0.1]))
    with pytest.raises(BadInput, match="Several experiments of moon could be meant"):
        table_of(paper, store, one, replace(one, images="other images"))


def test_other_protocols_and_methods_are_ignored(paper: PaperTable, store: Store) -> None:
    other = run_of(protocol("sun"), done(store, "new-tv", l1=[0.5], psnr=[16]))
    similar = run_of(RULES["moon"], done(store, "new", l1=[0.5]), done(store, "new-tv-style", l1=[0.5]))
    assert set(measured(table_of(paper, store, other, similar))) == {"-"}


def test_given_weights_are_used_if_the_method_was_not_trained(paper: PaperTable, store: Store) -> None:
    given, trained = done(store, "new-tv (released)", l1=[0.25]), done(store, "new-tv", l1=[0.5])
    assert text(table_of(paper, store, run_of(RULES["moon"], given)), "New (ours)", "error measured") == "25.00"
    assert (
        text(table_of(paper, store, run_of(RULES["moon"], given, trained)), "New (ours)", "error measured") == "50.00"
    )


def test_narrow_terminal_truncates_no_number(paper: PaperTable) -> None:
    console = Console(width=40, file=StringIO())
    show(table_of(paper, None), console)
    printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert all(number.value in printed for number in paper.published)
    assert "…" not in printed
    assert console.width == 40
