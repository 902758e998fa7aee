"""The gallery's slider and zoom in a browser, by mouse, keyboard and touch."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from support.gallery_page import at, colour, made, opened, zoomed
from support.stored_images import BLUE, GREEN, RED

if TYPE_CHECKING:
    from playwright.sync_api import Page

Move = Callable[..., None]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return made(tmp_path_factory.mktemp("gallery"))


def test_slider_divides_two_images_and_moves_by_mouse(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="green")
    assert (colour(page, 0.4), colour(page, 0.6)) == (RED, GREEN)
    page.mouse.move(*at(page, 0.5))
    page.mouse.down()
    page.mouse.move(*at(page, 0.4), steps=3)
    page.mouse.move(*at(page, 0.7), steps=3)
    page.mouse.up()
    assert (colour(page, 0.6), colour(page, 0.73)) == (RED, GREEN)


def test_slider_moves_by_keyboard_and_announces_its_value(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="blue", image="image-1")
    slider = page.get_by_role("slider", name="Boundary between red and blue")
    slider.focus()
    slider.press("Home")
    assert colour(page, 0.3) == BLUE
    slider.press("End")
    assert colour(page, 0.7) == RED
    assert slider.get_attribute("aria-valuetext") == "100 % red"
    slider.press("ArrowLeft")
    slider.press("ArrowLeft")
    assert slider.get_attribute("aria-valuetext") == "99 % red"
    assert page.locator("h2.name").inner_text() == "image-1"  # arrow keys move the slider, not the pair


@pytest.fixture
def fingers(page: "Page") -> Move:
    """Return a function that touches the stage: each step is a list of finger positions."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("Emulation.setTouchEmulationEnabled", {"enabled": True, "maxTouchPoints": 2})

    def move(*steps: list[tuple[float, float]]) -> None:
        for number, places in enumerate([*steps, []]):
            points = [
                {"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(at(page, *each) for each in places)
            ]
            kind = "touchEnd" if not places else "touchMove" if number else "touchStart"
            devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return move


def test_slider_moves_by_touch_and_two_fingers_zoom(page: "Page", address: str, fingers: Move) -> None:
    opened(page, address, left="red", right="green")
    fingers([(0.5, 0.5)], [(0.6, 0.5)], [(0.7, 0.5)])
    assert (colour(page, 0.65), colour(page, 0.73)) == (RED, GREEN)
    fingers([(0.2, 0.3), (0.3, 0.3)], [(0.15, 0.3), (0.35, 0.3)], [(0.1, 0.3), (0.45, 0.3)])
    scale, left, _ = zoomed(page, lambda scale: scale > 1)
    assert scale > 1 and left < 0


def scrolled(page: "Page") -> float:
    """Return the scroll position once it was stable for ten frames."""
    return page.evaluate(
        """async () => {
          for (let [at, still] = [scrollY, 0]; still < 10; still = scrollY === at ? still + 1 : 0) {
            at = scrollY;
            await new Promise(requestAnimationFrame);
          }
          return scrollY;
        }"""
    )


def test_finger_on_the_unzoomed_image_scrolls_the_page(page: "Page", address: str, fingers: Move) -> None:
    opened(page, address, left="red", right="green")
    way = [[(0.3, 0.7 - step / 20)] for step in range(8)]
    before = scrolled(page)
    fingers(*way)
    assert scrolled(page) > before
    assert zoomed(page) == pytest.approx([1, 0, 0], abs=0.01)


def test_wheel_over_the_unzoomed_image_scrolls_the_page_down(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="green")
    before = scrolled(page)
    page.mouse.move(*at(page, 0.25))
    page.mouse.wheel(0, 200)
    page.wait_for_function("before => scrollY > before", arg=before)
    assert zoomed(page) == pytest.approx([1, 0, 0], abs=0.01)


def test_view_survives_resizing_the_window(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="green")
    for _ in range(2):
        page.get_by_role("button", name="Zoom in").click()
    for _ in range(3):  # away from the centre, where pixels and fractions differ
        page.keyboard.press("Shift+ArrowRight")
    scale, left, top = zoomed(page, lambda scale: scale > 2)
    width = page.evaluate("document.querySelector('.stage').clientWidth")
    page.set_viewport_size({"width": 700, "height": 500})
    page.wait_for_function("width => document.querySelector('.stage').clientWidth < 0.9 * width", arg=width)
    assert zoomed(page) == pytest.approx([scale, left, top], abs=0.02)
    page.keyboard.press("Shift+ArrowRight")
    assert zoomed(page) == pytest.approx([scale, left - 0.1, top], abs=0.03)


def test_all_images_zoom_and_move_together(page: "Page", address: str) -> None:
    opened(page, address, left="red", right="green")
    assert zoomed(page, lambda scale: scale == 1) == pytest.approx([1, 0, 0], abs=0.01)
    page.mouse.move(*at(page, 0.25, 0.75))
    page.mouse.wheel(0, -100)
    scale, left, top = zoomed(page, lambda scale: scale > 1)
    # the point under the mouse stays in place
    assert (left + 0.25 * scale, top + 0.75 * scale) == pytest.approx((0.25, 0.75), abs=0.02)
    page.get_by_role("button", name="Zoom in").click()
    more, left, top = zoomed(page, lambda now: now > scale + 0.01)
    page.mouse.move(*at(page, 0.25))
    page.mouse.down()
    page.mouse.move(*at(page, 0.2, 0.6), steps=4)
    page.mouse.up()
    assert zoomed(page) == pytest.approx([more, left - 0.05, top + 0.1], abs=0.02)
    page.keyboard.press("Shift+ArrowRight")
    assert zoomed(page) == pytest.approx([more, left - 0.15, top + 0.1], abs=0.03)
    page.keyboard.press("Shift+ArrowDown")
    assert zoomed(page) == pytest.approx([more, left - 0.15, top], abs=0.03)
    page.keyboard.press("Shift+ArrowUp")
    assert zoomed(page) == pytest.approx([more, left - 0.15, top + 0.1], abs=0.03)
    page.keyboard.press("0")
    assert zoomed(page, lambda scale: scale == 1) == pytest.approx([1, 0, 0], abs=0.01)
    page.keyboard.press("+")
    zoomed(page, lambda scale: scale > 1)
