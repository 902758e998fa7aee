"""The editor of `bench demo`: the mask is exactly what the user drew."""

from pathlib import Path

import numpy as np
import pytest
from support.demo_page import HEIGHT, WIDTH, Demo, Pixel, boxed, demo, server, swept
from support.demo_server import png

__all__ = ["demo", "server"]


@pytest.mark.parametrize("zoom", ["fit", "1", "8"])
@pytest.mark.parametrize(("start", "end", "size"), [((5, 9), (40, 31), 7), ((30, 4), (12, 4), 1), ((2, 2), (2, 2), 6)])
def test_the_mask_is_exactly_the_swept_area(demo: Demo, start: Pixel, end: Pixel, size: int, zoom: str):
    demo.page.locator("#zoom").select_option(zoom)
    demo.size(size)
    demo.drag(start, end)
    expected = swept(start, end, size)
    assert expected.any() and not expected.all()
    np.testing.assert_array_equal(demo.marked(), expected)
    np.testing.assert_array_equal(demo.mask(), expected)


def test_tools_and_undo(demo: Demo):
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    box = boxed((50, 40), (10, 12))
    demo.press("Box")
    demo.drag((50, 40), (2, 2), (10, 12))
    np.testing.assert_array_equal(demo.marked(), box)
    demo.press("Eraser")
    demo.size(9)
    demo.drag((20, 20), (45, 22))
    rubbed = box & ~swept((20, 20), (45, 22), 9)
    np.testing.assert_array_equal(demo.marked(), rubbed)
    demo.press("Invert")
    np.testing.assert_array_equal(demo.marked(), ~rubbed)
    demo.press("Clear")
    np.testing.assert_array_equal(demo.marked(), nothing)
    for expected in (~rubbed, rubbed, box, nothing, nothing):
        demo.press("Undo")
        np.testing.assert_array_equal(demo.marked(), expected)
    for expected in (box, rubbed):
        demo.press("Redo")
        np.testing.assert_array_equal(demo.marked(), expected)
    np.testing.assert_array_equal(demo.mask(), rubbed)
    shown = demo.page.locator("#share").text_content() or ""
    assert shown.startswith(f"{100 * rubbed.mean():.1f} % of ")
    demo.press("Undo")
    demo.press("Box")
    demo.drag((0, 0), (3, 3))
    demo.press("Redo")  # a new step clears the redo history
    np.testing.assert_array_equal(demo.marked(), box | boxed((0, 0), (3, 3)))


def test_a_stroke_beyond_the_image_is_cut_off(demo: Demo):
    demo.size(11)
    demo.drag((60, 40), (WIDTH + 9, HEIGHT + 2), (50, HEIGHT + 3))
    expected = swept((60, 40), (WIDTH + 9, HEIGHT + 2), 11) | swept((WIDTH + 9, HEIGHT + 2), (50, HEIGHT + 3), 11)
    np.testing.assert_array_equal(demo.marked(), expected)


def test_a_mask_is_loaded_and_one_of_another_size_refused(demo: Demo):
    hole = np.random.default_rng(2).random((HEIGHT, WIDTH)) < 0.3
    message = demo.page.locator("#message")

    def load(mask: np.ndarray) -> None:
        content = png((255 * mask).astype(np.uint8))
        demo.page.set_input_files("#mask-file", {"name": "m.png", "mimeType": "image/png", "buffer": content})

    load(hole)
    demo.page.wait_for_selector(f"#share:text-matches('{100 * hole.mean():.1f} %')")
    np.testing.assert_array_equal(demo.mask(), hole)
    load(hole[:40])
    message.wait_for()
    assert message.text_content() == "m.png is 64 x 40 pixels but photo.png is 64 x 48; they must be equal."
    np.testing.assert_array_equal(demo.marked(), hole)
    demo.press("Undo")
    assert not demo.marked().any()


def test_the_keyboard_draws(demo: Demo):
    page = demo.page
    demo.size(8)
    page.locator("#stage").focus()
    for key in ("Shift+ArrowLeft", "Space", "ArrowRight", "ArrowDown", "Space"):
        page.keyboard.press(key)
    x, y = WIDTH // 2 - 1, HEIGHT // 2
    first = swept((x, y), (x + 4, y), 8) | swept((x + 4, y), (x + 4, y + 4), 8)
    np.testing.assert_array_equal(demo.marked(), first)
    for key in ("]", "]", "[", "[", "e", "Space", "Space"):
        page.keyboard.press(key)
    assert page.locator("#size-shown").text_content() == "8"
    np.testing.assert_array_equal(demo.marked(), first & ~swept((x + 4, y + 4), (x + 4, y + 4), 8))
    page.keyboard.press("Control+z")
    np.testing.assert_array_equal(demo.marked(), first)
    page.keyboard.press("Control+Shift+Z")
    assert (demo.marked() != first).any()


def test_a_finger_draws_on_a_phone(browser, server: str, tmp_path: Path):
    context = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    demo = Demo(context.new_page(), server, tmp_path)
    demo.size(7)
    demo.page.touchscreen.tap(*demo._on_screen((20, 30)))
    np.testing.assert_array_equal(demo.marked(), swept((20, 30), (20, 30), 7))
    wide = demo.page.evaluate("() => document.documentElement.scrollWidth")
    assert wide <= 390
    context.close()
