"""Stored training curves, and the figures of papers that are drawn from them."""

import xml.etree.ElementTree as ET
from io import BytesIO

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from support.stored_cells import KNOWN

from bench_core.errors import BadInput
from bench_core.paper_table import read as read_table
from bench_core.protocol import load
from bench_core.store.store import CellStatus, Run, Store
from bench_reports import bench_paper_tables, bench_protocols
from bench_reports.figures import paper_curves

FIGURE = read_table(next(file for file in bench_paper_tables() if file.name == "gradient-attention-2"))
RULES = load("gradient-attention-mnist", bench_protocols())
WITHOUT, WITH = FIGURE.methods.values()


def cell(store: Store, variant: str, seed: int, *points: tuple[int, float, float]) -> CellStatus:
    folder = store.cell({"variant": variant, "seed": seed})
    for step, l1, grad in points:
        folder.add_curve_point(step, "center", {"l1@full-raw-float": l1, "grad_l1@full-raw-float": grad})
    return CellStatus(variant, variant, seed, "done", folder.path.name, evaluation_ids={"center": "none"})


def run_of(*entries: CellStatus, **changes: object) -> Run:
    return Run(RULES.override(changes), "digest", 5, list(entries), {}, created="2025-01-01")


def test_every_stored_value_is_one_row(store: Store) -> None:
    found = paper_curves.read_curves(
        store, [run_of(cell(store, "b", 1, (5, 0.2, 0.4)), cell(store, "a", 0, (0, 0.5, 0.7)))]
    )
    assert list(found.columns) == ["variant", "seed", "step", "mask_set", "metric", "value"]
    assert [tuple(row) for row in found.to_numpy().tolist()] == [
        ("a", 0, 0, "center", "grad_l1@full-raw-float", 0.7),
        ("a", 0, 0, "center", "l1@full-raw-float", 0.5),
        ("b", 1, 5, "center", "grad_l1@full-raw-float", 0.4),
        ("b", 1, 5, "center", "l1@full-raw-float", 0.2),
    ]


def test_shared_cell_counts_once(store: Store) -> None:
    entry = cell(store, "a", 0, (0, 0.5, 0.7))
    assert (
        len(
            paper_curves.read_curves(
                store, [run_of(entry), run_of(entry, CellStatus("n", "n", 0, "n/a"), cell(store, "c", 0))]
            )
        )
        == 2
    )


def drawn(store: Store, *entries: CellStatus, format_: str = "svg", **changes: object) -> tuple[bytes, bytes]:
    rules = {"gradient-attention-mnist": RULES}
    return paper_curves.draw_paper_figure(FIGURE, rules, store, [run_of(*entries, **changes)], KNOWN, format_)


def pair(store: Store) -> list[CellStatus]:
    return [
        cell(store, name, seed, (0, 0.5, 0.7), (9, 0.3 + seed / 9, 0.4)) for name in (WITHOUT, WITH) for seed in (0, 1)
    ]


def test_equal_curves_give_equal_bytes(store: Store) -> None:
    entries = pair(store)
    for format_ in ("svg", "png"):
        first, second = (drawn(store, *entries, format_=format_)[0] for _ in range(2))
        assert first == second
    assert ET.fromstring(drawn(store, *entries)[0]).tag.endswith("svg")
    with Image.open(BytesIO(drawn(store, *entries, format_="png")[0])) as image:
        assert np.asarray(image.convert("L")).std() > 0
        assert not {"Software", "Date"} & set(image.info)


def test_csv_holds_the_methods_of_the_figure_only(store: Store) -> None:
    _, numbers = drawn(store, *pair(store), cell(store, "stranger", 0, (0, 0.5, 0.7)))
    frame = pd.read_csv(BytesIO(numbers))
    assert set(frame["variant"]) == {WITHOUT, WITH}
    assert len(frame) == 2 * 2 * 2 * 2


def test_lines_are_means_over_seeds_and_bands_reach_the_extremes(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.axes import Axes

    lines, bands = {}, []
    plot, fill = Axes.plot, Axes.fill_between

    def plotted(self, x, y, label):
        lines[self.get_title(), label] = dict(zip(x, y, strict=True))
        return plot(self, x, y, label=label)

    def filled(self, x, low, high, alpha):
        bands.append((list(low), list(high)))
        return fill(self, x, low, high, alpha=alpha)

    monkeypatch.setattr(Axes, "plot", plotted)
    monkeypatch.setattr(Axes, "fill_between", filled)
    drawn(store, *pair(store))
    assert set(lines) == {(panel, line) for panel in ("l1", "grad_l1") for line in ("alpha = 0", "alpha = 1")}
    assert lines["l1", "alpha = 0"] == pytest.approx({0: 0.5, 9: 0.3 + 1 / 18})
    assert lines["grad_l1", "alpha = 1"] == pytest.approx({0: 0.7, 9: 0.4})
    assert bands[0] == ([0.5, 0.3], [0.5, pytest.approx(0.3 + 1 / 9)])


def test_changed_rules_are_in_the_title(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = []
    monkeypatch.setattr(paper_curves, "draw_panels", lambda frame, title, *rest: titles.append(title) or b"")
    drawn(store, *pair(store))
    drawn(store, *pair(store), steps=7)
    assert titles[0] == f"{FIGURE.title} (measured)"
    assert "steps = 7, not 14000" in titles[1]


def test_missing_curves_are_an_error(store: Store) -> None:
    for entries in ([], [cell(store, WITH, 0)], [cell(store, "stranger", 0, (0, 0.5, 0.7))]):
        with pytest.raises(BadInput, match="no curves of alpha = 0, alpha = 1 under gradient-attention-mnist"):
            drawn(store, *entries)
