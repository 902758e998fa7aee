"""The gallery in a real browser: sliders, zoom, orders, links, keys, and what it looks like to everybody."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from browser import serious_findings
from PIL import Image
from stored_pictures import BLUE, GREEN, RED, WHITE, painted, rename, run_with, site

from bench_core.store import Entry, Store

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '"><img src=x onerror=alert(1)>'
PSNR = {"red": [10, 20, 30, 40], "green": [25, 21, 29, 12], "blue": [26, 35, 28, 13]}
L1 = {"red": [0.4, 0.1, 0.3, 0.2], "green": [0.2, 0.2, 0.2, 0.2], "blue": [0.1, 0.2, 0.3, 0.45]}


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Three methods, one of which lacks a picture; one that was measured on two pairs only; and one that failed."""
    folder = tmp_path_factory.mktemp("gallery")
    store = Store(folder / "store")
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    entries = [
        painted(store, name, colour, [0, 1, 3] if name == "blue" else range(4), psnr=PSNR[name], l1=L1[name])
        for name, colour in colours.items()
    ]
    few = painted(store, "few", WHITE, [0, 1], psnr=[15, 14])
    failed = Entry("lost", "lost", 0, "failed", reason="RuntimeError: no memory")
    return site(folder / "site", store, run_with(*entries, few, failed)).as_uri()


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("hostile")
    store = Store(folder / "store")
    entry = painted(store, HOSTILE, RED, psnr=[1, 2, 3, 4])
    other = painted(store, "<script>alert(1)</script>", BLUE, psnr=[1, 2, 3, 4])
    for each in (entry, other):
        rename(store, each, {"image-0": HOSTILE, "image-1": "../../x"})
    failed = Entry("lost", "lost", 0, "failed", reason=HOSTILE)
    return site(folder / "site", store, run_with(entry, other, failed, metrics=["psnr"])).as_uri()


def opened(page: "Page", address: str, **asked: str) -> "Page":
    """The gallery, with an address that asks for something."""
    page.goto("about:blank")
    page.goto(address + "#" + "&".join(f"{name}={value}" for name, value in asked.items()))
    page.locator(".stage").scroll_into_view_if_needed()
    return page


def colour(page: "Page", x: float, y: float = 0.3) -> tuple[int, ...]:
    """What is seen at a place of the stage, in shares of its sides."""
    picture = np.asarray(Image.open(BytesIO(page.locator(".stage").screenshot())).convert("RGB"))
    height, width, _ = picture.shape
    return tuple(picture[int(y * height), int(x * width)].tolist())


def names(page: "Page") -> list[str]:
    return page.locator(".strip .name").all_inner_texts()


def at(page: "Page", x: float, y: float = 0.5) -> tuple[float, float]:
    """A place of the stage on the page."""
    box = page.locator(".stage").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def zooms(page: "Page") -> list[list[float]]:
    """Of every picture: by how much it is enlarged, and where it lies, in shares of its frame."""
    return page.evaluate(
        """async () => {
          for (const _ of [1, 2]) await new Promise(requestAnimationFrame);
          return [...document.querySelectorAll(".moving")].map((moving) => {
            const [inner, outer] = [moving, moving.parentElement].map((each) => each.getBoundingClientRect());
            const [right, down] = [inner.left - outer.left, inner.top - outer.top];
            return [inner.width / outer.width, right / outer.width, down / outer.height];
          });
        }"""
    )


def zoomed(page: "Page", reached: Callable[[float], bool] = lambda scale: True) -> list[float]:
    """Where all pictures are, which must be the same for all, as soon as their scale is one that is waited for."""
    found = zooms(page)
    for _ in range(100):
        if reached(found[0][0]):
            break
        found = zooms(page)
    assert reached(found[0][0]) and len(found) == 9  # two sides, truth, masked image, and five methods
    for each in found[1:]:
        assert each == pytest.approx(found[0], abs=0.01)
    return found[0]


def test_the_slider_divides_two_pictures_and_moves_by_mouse(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="green")
    assert (colour(page, 0.4), colour(page, 0.6)) == (RED, GREEN)
    page.mouse.move(*at(page, 0.5))
    page.mouse.down()
    page.mouse.move(*at(page, 0.4), steps=3)
    page.mouse.move(*at(page, 0.7), steps=3)
    page.mouse.up()
    assert (colour(page, 0.6), colour(page, 0.73)) == (RED, GREEN)


def test_the_slider_moves_by_keyboard_and_tells_where_it_is(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="blue")
    slider = page.get_by_role("slider", name="Boundary between red and blue")
    slider.focus()
    slider.press("Home")
    assert colour(page, 0.3) == BLUE
    slider.press("End")
    assert colour(page, 0.7) == RED
    assert slider.get_attribute("aria-valuetext") == "100 % red"
    page.keyboard.press("ArrowLeft")
    assert page.locator("h2.name").inner_text() == "image-0"  # arrows are the slider's


@pytest.fixture
def fingers(page: "Page") -> Iterator[object]:
    """Puts fingers on places of the stage, moves and lifts them: each step a list of places."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def move(*steps: list[tuple[float, float]]) -> None:
        for number, places in enumerate([*steps, []]):
            points = [
                {"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(at(page, *each) for each in places)
            ]
            kind = "touchEnd" if not places else "touchMove" if number else "touchStart"
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    yield move


def test_the_slider_moves_by_touch_and_two_fingers_zoom(page: "Page", address: str, fingers) -> None:
    opened(page, address, left="red", right="green")
    fingers([(0.5, 0.5)], [(0.6, 0.5)], [(0.7, 0.5)])
    assert (colour(page, 0.65), colour(page, 0.73)) == (RED, GREEN)
    fingers([(0.2, 0.3), (0.3, 0.3)], [(0.15, 0.3), (0.35, 0.3)], [(0.1, 0.3), (0.45, 0.3)])
    scale, left, _ = zoomed(page, lambda scale: scale > 1)
    assert scale > 1 and left < 0


def test_all_pictures_zoom_and_move_in_step(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="green")
    assert zoomed(page, lambda scale: scale == 1) == pytest.approx([1, 0, 0], abs=0.01)
    page.mouse.move(*at(page, 0.25, 0.75))
    page.mouse.wheel(0, -100)
    scale, left, top = zoomed(page, lambda scale: scale > 1)
    # what is under the mouse stays there
    assert (left + 0.25 * scale, top + 0.75 * scale) == pytest.approx((0.25, 0.75), abs=0.02)
    page.get_by_role("button", name="Zoom in").click()
    more, left, _ = zoomed(page, lambda now: now > scale + 0.01)
    page.mouse.move(*at(page, 0.25))
    page.mouse.down()
    page.mouse.move(*at(page, 0.2), steps=4)
    page.mouse.up()
    assert zoomed(page)[:2] == pytest.approx([more, left - 0.05], abs=0.02)
    page.keyboard.press("Shift+ArrowRight")
    assert zoomed(page)[1] == pytest.approx(left - 0.15, abs=0.03)
    page.keyboard.press("0")
    assert zoomed(page, lambda scale: scale == 1) == pytest.approx([1, 0, 0], abs=0.01)
    page.keyboard.press("+")
    zoomed(page, lambda scale: scale > 1)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"order": "best", "of": "red", "metric": "psnr@full"}, [3, 2, 1, 0]),
        ({"order": "worst", "of": "red", "metric": "psnr@full"}, [0, 1, 2, 3]),
        ({"order": "best", "of": "red", "metric": "l1@full"}, [1, 3, 2, 0]),
        ({"order": "worst", "of": "blue", "metric": "l1@full"}, [3, 2, 1, 0]),
        # where nothing was measured comes last
        ({"order": "best", "of": "few", "metric": "psnr@full"}, [0, 1, 2, 3]),
        ({"order": "worst", "of": "few", "metric": "psnr@full"}, [1, 0, 2, 3]),
        # differences between the highest and the lowest: 16, 21, 2, 28
        ({"order": "disagreed", "metric": "psnr@full"}, [3, 1, 0, 2]),
        # 0.3, 0.1, 0.1, 0.25; equal ones as they are stored
        ({"order": "disagreed", "metric": "l1@full"}, [0, 3, 1, 2]),
        ({"order": "best", "of": "lost", "metric": "l1@full"}, [0, 1, 2, 3]),
        ({}, [0, 1, 2, 3]),
    ],
)
def test_pairs_stand_in_the_order_that_is_asked_for(
    page: "Page", address: str, asked: dict[str, str], expected: list[int]
) -> None:
    opened(page, address, **asked)
    assert names(page) == [f"image-{number}" for number in expected]
    assert page.locator("h2.name").inner_text() == f"image-{expected[0]}"


def seen(page: "Page") -> tuple[str, list[str]]:
    """All that a screen reader tells, and the pictures."""
    pictures = page.locator(".moving img:visible").evaluate_all("images => images.map((image) => image.src)")
    return page.locator("main").aria_snapshot(), pictures


def test_controls_and_keys_choose_and_the_address_says_it_all(page: "Page", address: str) -> None:
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
    told = page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")
    assert told == {
        "set": "center", "image": "image-2", "left": "green", "right": "red",
        "order": "worst", "of": "blue", "metric": "l1@full", "show": "error",
    }  # fmt: skip
    view, there = seen(page), page.url
    page.goto("about:blank")
    page.goto(there)
    assert seen(page) == view


def test_another_mask_set_shows_the_same_image_with_its_own_pictures(page: "Page", tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    red = painted(store, "red", RED, psnr=[1, 2, 3, 4])
    blue = painted(store, "blue", BLUE, mask_set="strokes", psnr=[1, 2, 3, 4])
    run = run_with(red, blue, metrics=["psnr"], test_masks=["center", "strokes"])
    opened(page, site(tmp_path / "site", store, run).as_uri(), image="image-1", right="red", left="masked")
    assert colour(page, 0.6) == RED
    page.get_by_label("Mask set").select_option("strokes")
    assert page.locator(".stage .right .missing").inner_text().startswith("red has kept no picture")
    page.get_by_label("blue on the right").check()
    assert colour(page, 0.6) == BLUE
    assert page.locator("h2.name").inner_text() == "image-1"
    assert page.locator(".stage .shown").count() == 2


def test_pictures_values_and_gaps_stand_beside_each_other(page: "Page", address: str) -> None:
    opened(page, address, image="image-2", left="red", right="blue")
    rows = page.locator(".values tbody tr")
    assert [cell.strip() for cell in rows.nth(3).locator("td, th").all_inner_texts()[2:]] == [
        "green",
        "0.2000",
        "29.00",
    ]
    assert page.locator(".values .best").all_inner_texts() == ["30.00", "0.2000"]
    gap = "blue has kept no picture of this pair: repeat its command with more --samples."
    assert page.locator(".stage .right .missing").inner_text() == gap
    lost = page.locator(".tile", has_text="lost failed")
    assert lost.locator(".missing").inner_text() == "lost failed: RuntimeError: no memory."
    assert page.locator(".stage .left .shown").get_attribute("alt") == "image-2 painted by red"
    page.get_by_role("button", name="Error in the hole").click()
    assert page.locator(".stage .left .shown").get_attribute("alt") == "Errors of red inside the hole of image-2"
    assert page.locator(".legend").is_visible()


def test_names_of_anybody_are_text(page: "Page", hostile: str) -> None:
    opened(page, hostile, show="error")
    assert names(page)[:2] == [HOSTILE, "../../x"]
    assert page.locator("h2.name").inner_text() == HOSTILE
    heads = page.locator(".values tbody th").all_inner_texts()
    assert heads == ["truth", "masked image", HOSTILE, "<script>alert(1)</script>", "lost"]
    assert HOSTILE in page.locator(".missing", has_text="lost failed").last.inner_text()
    assert page.locator("[onerror], [src=x], main script").count() == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody(page: "Page", address: str, scheme: str) -> None:
    """Narrow screens need no sideways scrolling, dark is dark, and axe finds nothing that keeps anybody out."""
    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": 390, "height": 844})
    opened(page, address, image="image-2", show="error")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor").removeprefix("rgb(").split(",")[0]
    assert (int(paper) < 60) == (scheme == "dark")
    page.set_viewport_size({"width": 1280, "height": 800})
    assert not serious_findings(page)
