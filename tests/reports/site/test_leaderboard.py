"""The leaderboard in a browser: same numbers as `bench report`; sorting, filters, addresses and plots."""

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest
from support import stored_site
from support.browser import serious_findings
from support.stored_cells import KNOWN
from support.stored_site import IMAGE, L1, PSNR, RATIOS, SCRIPT

from bench_core.store.store import Run, Store
from bench_reports.tables import by_hole_ratio
from bench_reports.tables.table import build

if TYPE_CHECKING:
    from playwright.sync_api import Page

VISIBLE = "tbody tr"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Run]:
    return stored_site.cached(tmp_path_factory)[:2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return stored_site.cached(tmp_path_factory)[2]


@pytest.fixture
def board(page: "Page", site: Path) -> "Page":
    page.goto((site / "index.html").as_uri())
    return page


def shown(page: "Page") -> dict[str, list[str]]:
    """Return the texts of the visible cells by method, in the order of the rows."""
    return page.evaluate(
        """() => Object.fromEntries([...document.querySelectorAll("tbody tr")].map(row => [
            row.querySelector("th a").textContent,
            [...row.querySelectorAll("td[data-metric]")].filter(td => td.offsetParent).map(td =>
                [".value", ".half"].map(name => td.querySelector(name).textContent).filter(Boolean).join(" ")
                + td.querySelector(".marks").textContent)]))"""
    )


def test_every_number_equals_the_usual_tables(world: tuple[Store, Run], site: Path):
    (usual,), (buckets,) = (build(world[0], [world[1]], KNOWN), by_hole_ratio.build(world[0], [world[1]], KNOWN))
    (found,) = stored_site.boards(site)
    compared = 0
    for view in found["views"]:
        if view["seed"] is None:
            for metric, cells in zip(found["metrics"], view["columns"], strict=True):
                for method, (value, half, marks, best, *_) in zip(found["methods"], cells, strict=True):
                    frame, row, column = usual, method["name"], (view["mask"], metric["key"])
                    if view["part"]:
                        (pairs,) = {
                            of
                            for mask, part, of, _ in buckets.texts.index
                            if (mask, part) == (view["mask"], view["part"])
                        }
                        frame, row, column = buckets, (view["mask"], view["part"], pairs, row), ("", metric["key"])
                    assert " ".join(filter(None, (value, half))) + marks == frame.texts.loc[row, column]
                    assert best == frame.best.loc[row, column]
                    compared += 1
    assert compared == usual.texts.size + buckets.texts.size


def test_single_seed_has_its_own_means_and_keeps_training_free_methods(site: Path):
    (found,) = stored_site.boards(site)
    names = [method["name"] for method in found["methods"]]
    for seed in (0, 1):
        (view,) = (
            each for each in found["views"] if (each["seed"], each["mask"], each["part"]) == (seed, "center", "")
        )
        means = [cells[4] for cells in view["columns"][0]]
        assert means[names.index("bad")] == pytest.approx(stored_site.values("bad", seed, "center")[L1].mean())
        assert means[names.index("still")] == pytest.approx(stored_site.values("still", 0, "center")[L1].mean())


def test_hole_ratio_has_the_mean_of_its_images(site: Path):
    (found,) = stored_site.boards(site)
    row = [method["name"] for method in found["methods"]].index("good")
    assert found["parts"] == ["0.01-0.1", "0.1-0.2", "0.2-0.3"]
    (view,) = (v for v in found["views"] if (v["seed"], v["mask"], v["part"]) == (None, "strokes", "0.1-0.2"))
    inside = (RATIOS > 0.1) & (RATIOS <= 0.2)
    expected = np.mean([stored_site.values("good", seed, "strokes")[PSNR][inside] for seed in (0, 1)])
    assert view["columns"][1][row][4] == pytest.approx(expected)


def test_best_come_first_and_a_click_reverses_the_order(board: "Page"):
    # lowest L1 first, equal to its neighbour except for noise, then the clearly worse; without a number last
    first = list(shown(board))
    assert set(first[:2]) == {"good", "even"} and first[2:] == ["bad", SCRIPT, "still", "broken"]
    head = board.get_by_role("columnheader", name="PSNR")
    head.get_by_role("button").click()
    assert list(shown(board)) == first  # PSNR falls as L1 grows
    assert head.get_attribute("aria-sort") == "descending"
    head.get_by_role("button").click()
    assert list(shown(board)) == [*reversed(first[:-1]), "broken"]
    assert head.get_attribute("aria-sort") == "ascending"


def test_keyboard_sorts(board: "Page"):
    button = board.get_by_role("columnheader", name="Method").get_by_role("button")
    button.focus()
    board.keyboard.press("Enter")
    assert list(shown(board)) == [SCRIPT, "bad", "broken", "even", "good", "still"]
    board.keyboard.press("Tab")
    assert board.evaluate("document.activeElement.textContent") == "L1 ↓"


def test_filters_show_their_rows_and_survive_a_reload(board: "Page", world: tuple[Store, Run]):
    (buckets,) = by_hole_ratio.build(world[0], [world[1]], KNOWN)
    board.get_by_role("combobox", name="Mask set").select_option("strokes")
    board.get_by_role("combobox", name="Hole ratio").select_option("0.1-0.2")
    board.get_by_role("checkbox", name="PSNR").uncheck()
    (expected,) = (
        of for (mask, part, _), of in buckets.texts.groupby(level=[0, 1, 2]) if (mask, part) == ("strokes", "0.1-0.2")
    )
    cells = shown(board)
    assert cells == {str(name[-1]): [text] for name, text in zip(expected.index, expected[("", L1)], strict=True)}
    assert cells["still"] == ["n/a"] and "fills no strokes" in board.locator(VISIBLE, has_text="still").inner_text()
    board.reload()
    assert shown(board) == cells
    assert board.get_by_role("combobox", name="Mask set").input_value() == "strokes"
    assert not board.get_by_role("checkbox", name="PSNR").is_checked()


def test_address_opens_its_view_and_invalid_values_are_ignored(page: "Page", site: Path):
    (found,) = stored_site.boards(site)
    address = (site / "index.html").as_uri()
    page.goto(f"{address}#{found['id']}?mask=strokes&seed=1&sort=psnr%40full&order=worst")
    assert next(iter(shown(page))) == SCRIPT
    (view,) = (v for v in found["views"] if (v["seed"], v["mask"], v["part"]) == (1, "strokes", ""))
    names = [method["name"] for method in found["methods"]]
    assert shown(page)["bad"][0].startswith(view["columns"][0][names.index("bad")][0] + " ")
    page.goto(f"{address}#{found['id']}?mask=constructor&sort=%3Cimg%3E&order=up&x=1")
    assert page.get_by_role("combobox", name="Mask set").input_value() == "center"
    page.goto(f"{address}#%")
    assert len(shown(page)) == 6


def test_failures_ranks_and_groups_are_shown_as_text(board: "Page"):
    broken = board.locator(VISIBLE, has_text="broken")
    assert shown(board)["broken"] == ["failed", "failed"]
    assert f"seed 1, failed: RuntimeError: {SCRIPT}" in broken.inner_text()
    (even,) = (text for name, (text, _) in shown(board).items() if name in ("good", "even") and "≈" in text)
    assert "±" in even
    assert "rank 1\N{EN DASH}5 · a" in board.locator(VISIBLE, has_text="good").inner_text()
    assert "rank 1\N{EN DASH}5 · a" in board.locator(VISIBLE, has_text="bad").inner_text()
    board.get_by_role("checkbox", name="Ranks").uncheck()
    assert "rank" not in board.locator(VISIBLE, has_text="good").inner_text()


def test_hostile_names_are_shown_as_text(board: "Page", site: Path):
    assert board.get_by_role("link", name=SCRIPT).is_visible()
    assert board.locator("img").count() == 0
    assert all(board.locator("script").evaluate_all("all => all.map(each => each.src)"))  # no script is inline
    data = (site / "data/leaderboard.js").read_text()
    assert "<" not in data and IMAGE not in data


def test_plots_follow_the_view_and_can_be_saved(board: "Page", tmp_path: Path):
    titles = board.locator("figcaption")
    titles.filter(has_text="Ranks that are possible by L1 on center").wait_for()
    assert titles.count() == 3  # ranks, against seconds per image, and against the hole ratio
    assert SCRIPT in board.locator("figure").first.inner_text()
    board.get_by_role("columnheader", name="PSNR").get_by_role("button").click()
    board.get_by_role("combobox", name="Mask set").select_option("strokes")
    ranks = titles.filter(has_text="Ranks that are possible by PSNR on strokes")
    ranks.wait_for()
    with board.expect_download() as saving:
        ranks.get_by_role("button").click()
    saving.value.save_as(tmp_path / "ranks.svg")
    drawn = ET.parse(tmp_path / "ranks.svg").getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg" and "good" in "".join(drawn.itertext())


def test_theme_follows_the_system_until_the_reader_chooses(board: "Page"):
    def paper() -> str:
        return board.evaluate("getComputedStyle(document.body).backgroundColor")

    light = paper()
    board.emulate_media(color_scheme="dark")
    dark = paper()
    assert dark != light
    board.get_by_role("button", name="Light").click()
    assert paper() == light
    board.reload()
    assert paper() == light


def test_only_tables_scroll_horizontally_on_a_phone(board: "Page"):
    board.set_viewport_size({"width": 375, "height": 700})
    assert board.evaluate("document.documentElement.scrollWidth") <= 375
    assert board.evaluate("document.querySelector('.wide').scrollWidth") > 375


def test_print_hides_controls_and_shows_whole_tables(board: "Page"):
    board.emulate_media(media="print")
    assert not board.get_by_role("combobox", name="Mask set").is_visible()
    assert board.evaluate("getComputedStyle(document.querySelector('.wide')).overflowX") == "visible"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(board: "Page", scheme: Literal["light", "dark"]):
    board.emulate_media(color_scheme=scheme)
    assert serious_findings(board) == []
