"""The gallery in a browser: order, addresses, keys, gaps, hostile names and accessibility."""

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.browser import serious_findings
from support.gallery_page import colour, made, names, opened
from support.stored_images import BLUE, RED, cell_with_images, rename, run_with, site

from bench_core.store.store import CellStatus, Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '"><img src=x onerror=alert(1)>'


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("gallery"))


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    store = Store(folder / "store")
    entry = cell_with_images(store, HOSTILE, RED, psnr=[1, 2, 3, 4])
    other = cell_with_images(store, "<script>alert(1)</script>", BLUE, psnr=[1, 2, 3, 4])
    for each in (entry, other):
        rename(store, each, {"image-0": HOSTILE, "image-1": "../../x"})
    failed = CellStatus("lost", "lost", 0, "failed", reason=HOSTILE)
    return site(folder / "site", store, run_with(entry, other, failed, metrics=["psnr"])).as_uri()


@pytest.mark.parametrize(
    ("address_state", "expected"),
    [
        ({"order": "best", "of": "red", "metric": "psnr@full"}, [3, 2, 1, 0]),
        ({"order": "worst", "of": "red", "metric": "psnr@full"}, [0, 1, 2, 3]),
        ({"order": "best", "of": "red", "metric": "l1@full"}, [1, 3, 2, 0]),
        ({"order": "worst", "of": "blue", "metric": "l1@full"}, [3, 2, 1, 0]),
        # pairs without values come last
        ({"order": "best", "of": "few", "metric": "psnr@full"}, [0, 1, 2, 3]),
        ({"order": "worst", "of": "few", "metric": "psnr@full"}, [1, 0, 2, 3]),
        # differences between the highest and the lowest: 16, 21, 2, 28
        ({"order": "disagreed", "metric": "psnr@full"}, [3, 1, 0, 2]),
        # 0.3, 0.1, 0.1, 0.25; ties keep their stored order
        ({"order": "disagreed", "metric": "l1@full"}, [0, 3, 1, 2]),
        ({"order": "best", "of": "lost", "metric": "l1@full"}, [0, 1, 2, 3]),
        ({}, [0, 1, 2, 3]),
    ],
)
def test_pairs_are_sorted_as_the_address_says(
    page: "Page", address: str, address_state: dict[str, str], expected: list[int]
) -> None:
    opened(page, address, **address_state)
    assert names(page) == [f"image-{number}" for number in expected]
    assert page.locator("h2.name").inner_text() == f"image-{expected[0]}"


def snapshot(page: "Page") -> tuple[str, list[str]]:
    """Return the text for screen readers, and the visible images."""
    images = page.locator(".moving img:visible").evaluate_all("images => images.map((image) => image.src)")
    return page.locator("main").aria_snapshot(), images


def test_address_holds_the_state_of_controls_and_keys(page: "Page", address: str) -> None:
    opened(page, address)
    page.get_by_label("Order").select_option("worst first")
    page.get_by_label("Method").select_option("blue")
    page.get_by_label("Metric").select_option("L1 ↓")
    assert names(page)[0] == "image-3"
    page.locator("h2.name").click()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="Next").click()
    page.keyboard.press("ArrowLeft")
    page.get_by_label("green on the left").check()
    page.locator(".tile", has_text="red").click()
    page.keyboard.press("e")
    state = page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
    assert state == {
        "set": "center", "image": "image-2", "left": "green", "right": "red",
        "order": "worst", "of": "blue", "metric": "l1@full", "show": "error",
    }  # fmt: skip
    before, url = snapshot(page), page.url
    page.goto("about:blank")
    page.goto(url)
    assert snapshot(page) == before


def test_mask_set_changes_while_the_image_stays(page: "Page", tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    red = cell_with_images(store, "red", RED, psnr=[1, 2, 3, 4])
    blue = cell_with_images(store, "blue", BLUE, mask_set="strokes", psnr=[1, 2, 3, 4])
    run = run_with(red, blue, metrics=["psnr"], test_masks=["center", "strokes"])
    opened(page, site(tmp_path / "site", store, run).as_uri(), image="image-1", right="red", left="masked")
    assert colour(page, 0.6) == RED
    page.get_by_label("Mask set").select_option("strokes")
    assert page.locator(".stage .right .missing").inner_text().startswith("red saved no image")
    page.get_by_label("blue on the right").check()
    assert colour(page, 0.6) == BLUE
    assert page.locator("h2.name").inner_text() == "image-1"
    assert page.locator(".stage .shown").count() == 2


def test_images_values_and_gaps_are_shown_together(page: "Page", address: str) -> None:
    opened(page, address, image="image-2", left="red", right="blue")
    rows = page.locator(".values tbody tr")
    assert [cell.strip() for cell in rows.nth(3).locator("td, th").all_inner_texts()[2:]] == [
        "green",
        "0.2000",
        "29.00",
    ]
    assert page.locator(".values .best").all_inner_texts() == ["30.00", "0.2000"]
    gap = "blue saved no image of this pair: repeat its command with more --save-images."
    assert page.locator(".stage .right .missing").is_visible()
    assert page.locator(".stage .right .missing").inner_text() == gap
    lost = page.locator(".tile", has_text="lost failed")
    assert lost.locator(".missing").inner_text() == "lost failed: RuntimeError: no memory."
    assert page.locator(".stage .left .shown").get_attribute("alt") == "image-2 filled by red"
    assert not page.locator(".legend").is_visible()
    page.get_by_role("button", name="Error in the hole").click()
    assert page.locator(".stage .left .shown").get_attribute("alt") == "Errors of red inside the hole of image-2"
    assert page.locator(".legend .ticks span").all_inner_texts() == ["0", "32", "64", "96", "≥ 128"]


def test_hostile_names_are_shown_as_text(page: "Page", hostile: str) -> None:
    opened(page, hostile, show="error")
    assert names(page)[:2] == [HOSTILE, "../../x"]
    assert page.locator("h2.name").inner_text() == HOSTILE
    heads = page.locator(".values tbody th").all_inner_texts()
    assert heads == ["ground truth", "masked image", HOSTILE, "<script>alert(1)</script>", "lost"]
    assert HOSTILE in page.locator(".missing", has_text="lost failed").last.inner_text()
    assert page.locator("[onerror], [src=x], main script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_gallery_is_accessible(page: "Page", address: str, scheme: str) -> None:
    """Narrow screens need no horizontal scrolling, dark is dark, and axe finds no serious problem."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, address, image="image-2", show="error")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")[0]
    assert (int(paper) < 60) == (scheme == "dark")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not serious_findings(page)
