"""The page of `bench demo` in a real browser: open an image, compare methods, save files."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image
from support.demo_page import PICTURE, Demo, boxed, demo, server, swept
from support.demo_server import pixels, png

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["demo", "server"]


def test_two_methods_are_compared_and_their_results_saved(demo: Demo):
    demo.size(9)
    demo.drag((10, 10), (45, 30))
    demo.choose("telea", "navier_stokes")
    demo.fill()
    hole = swept((10, 10), (45, 30), 9)
    images = {}
    for name in ("telea", "navier_stokes"):
        link = demo.page.get_by_role("link", name=f"Save the result of {name}")
        images[name] = demo.saved(link, f"photo-{name}.png")
        assert (images[name][~hole] == PICTURE[~hole]).all()
        assert (images[name][hole] != PICTURE[hole]).any()
    assert (images["telea"] != images["navier_stokes"]).any()
    times = demo.page.locator("#cards p").all_text_contents()
    assert len(times) == 2 and all(time.startswith("inpainted in ") and " s" in time for time in times)


def test_the_slider_shows_two_images(demo: Demo):
    demo.press("Box")
    demo.drag((8, 8), (55, 39))
    demo.choose("mean_color", "tracer")
    demo.fill()
    page = demo.page
    page.locator("#left").select_option("mean_color")
    page.get_by_role("button", name="Compare tracer").click()
    assert page.locator("#right").input_value() == "tracer"

    def share() -> float:
        """Return the black share of a row: the tracer predicts the empty sketch, and the image is noise."""
        shown = pixels(page.locator(".slider").screenshot())
        row = shown[shown.shape[0] // 3].astype(int)
        return float((row[:, :3].sum(1) < 30).mean())

    divide = page.locator("#divide")
    inside = 48 / 64
    divide.focus()
    page.keyboard.press("Home")
    assert share() == pytest.approx(inside, abs=0.05)
    page.keyboard.press("End")
    assert share() < 0.03
    box = page.locator(".slider").bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    assert share() == pytest.approx(inside / 2, abs=0.05)


def test_a_guided_method_gets_the_sketch(demo: Demo):
    demo.press("Box")
    demo.drag((8, 8), (55, 39))
    demo.press("Sketch")
    demo.press("Brush")
    demo.size(5)
    demo.drag((12, 12), (50, 30))
    lines, hole = swept((12, 12), (50, 30), 5), boxed((8, 8), (55, 39))
    np.testing.assert_array_equal(demo.marked("sketch"), lines)
    np.testing.assert_array_equal(demo.marked("hole"), hole)
    demo.choose("tracer")
    demo.fill()
    found = demo.saved(demo.page.get_by_role("link", name="Save the result of tracer"), "photo-tracer.png")
    assert (found[hole] == 255 * lines[hole][:, None]).all() and (found[~hole] == PICTURE[~hole]).all()


def test_errors_of_a_method_are_shown_beside_the_other_results(demo: Demo):
    demo.drag((20, 20), (30, 30))
    demo.choose("telea", "greedy", "picky")
    demo.fill()
    cards = demo.page.locator("#cards li")
    assert demo.page.locator("#progress").text_content() == "1 done, 2 failed."
    assert "not enough memory" in cards.nth(1).inner_text()
    assert "takes images of 32 pixels only" in cards.nth(2).inner_text()
    assert cards.locator("img").count() == 1


def test_a_file_that_is_no_image_is_refused(page: "Page", server: str):
    page.goto(server)
    name = '"><img src=x onerror=alert(1)>.png'
    page.set_input_files("#image-file", {"name": name, "mimeType": "image/png", "buffer": b"a text"})
    page.locator("#message").wait_for()
    said = page.locator("#message").text_content() or ""
    assert said.endswith("cannot be read as an image: its content is of no known format") and "onerror" in said
    assert page.locator("#work").is_hidden()


def test_another_image_starts_over(demo: Demo, tmp_path: Path):
    demo.drag((20, 20), (30, 30))
    demo.choose("telea")
    demo.fill()
    buffer = png(PICTURE[:20, :30])
    demo.page.set_input_files("#other-file", {"name": "b.png", "mimeType": "image/png", "buffer": buffer})
    demo.page.wait_for_selector("#results", state="hidden")
    demo.height, demo.width = 20, 30
    assert not demo.marked().any()
    demo.press("Inpaint")
    assert "Draw a hole first" in (demo.page.locator("#message").text_content() or "")


def test_an_example_can_be_opened(page: "Page", server: str):
    page.goto(server)
    page.get_by_role("button", name="use an example").click()
    page.wait_for_selector("#work:not([hidden])")
    assert page.locator("#hole").evaluate("canvas => [canvas.width, canvas.height]") == [32, 24]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violations(demo: Demo, server: str, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    demo.page.emulate_media(color_scheme=scheme)
    demo.press("Box")
    demo.drag((8, 8), (55, 39))
    demo.fill()
    found = axe.run(demo.page)
    assert not found.response["violations"], found.generate_report()
    demo.page.goto(server)
    found = axe.run(demo.page)
    assert not found.response["violations"], found.generate_report()


def test_bench_inpaint_gives_the_same_result_with_the_saved_mask(demo: Demo, tmp_path: Path):
    from bench_core.methods.inpaint import inpaint

    demo.drag((20, 20), (30, 30))
    demo.choose("telea")
    demo.fill()
    found = demo.saved(demo.page.get_by_role("link", name="Save the result of telea"), "photo-telea.png")
    demo.mask()
    Image.fromarray(PICTURE).save(tmp_path / "photo.png")
    inpaint("telea", None, tmp_path / "photo.png", tmp_path / "photo-mask.png", tmp_path / "o.png", "white", "cpu")
    assert (pixels((tmp_path / "o.png").read_bytes()) == found).all()
