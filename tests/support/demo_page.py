"""Drives the page of `bench demo` in a browser, and computes the pixels that a brush must cover."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from support.demo_server import methods, pixels, png, served

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

WIDTH, HEIGHT = 64, 48
PICTURE = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
MARKED = "canvas => [...canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data]"
Pixel = tuple[int, int]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with served(methods()) as address:
        yield address


class Demo:
    """The page with an open image."""

    def __init__(self, page: "Page", server: str, folder: Path, picture: np.ndarray = PICTURE) -> None:
        self.page, self.folder = page, folder
        self.height, self.width = picture.shape[:2]
        page.goto(server)
        page.set_input_files("#image-file", {"name": "photo.png", "mimeType": "image/png", "buffer": png(picture)})
        page.wait_for_selector("#work:not([hidden])")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def size(self, pixels: int) -> None:
        self.page.locator("#size").fill(str(pixels))

    def drag(self, *way: Pixel) -> None:
        """Drag from the centre of one pixel to that of the next, in one movement each."""
        x, y = self._on_screen(way[0])
        self.page.mouse.move(x, y)
        self.page.mouse.down()
        for pixel in way[1:]:
            self.page.mouse.move(*self._on_screen(pixel), steps=1)
        self.page.mouse.up()

    def _on_screen(self, pixel: Pixel) -> tuple[float, float]:
        stage = self.page.locator("#stage")
        stage.scroll_into_view_if_needed()
        box = stage.bounding_box()
        assert box
        x, y = (place + 0.5 for place in pixel)
        return box["x"] + x * box["width"] / self.width, box["y"] + y * box["height"] / self.height

    def marked(self, canvas: str = "hole") -> np.ndarray:
        """Return which pixels of a canvas are marked. Each is marked fully or not at all."""
        data = self.page.locator(f"#{canvas}").evaluate(MARKED)
        alpha = np.array(data).reshape(self.height, self.width, 4)[..., 3]
        assert set(np.unique(alpha)) <= {0, 255}
        return alpha == 255

    def mask(self) -> np.ndarray:
        return self.saved(self.page.locator("#save-mask"), "photo-mask.png") == 255

    def saved(self, button: "Locator", called: str) -> np.ndarray:
        with self.page.expect_download() as found:
            button.click()
        assert found.value.suggested_filename == called
        found.value.save_as(self.folder / called)
        content = pixels((self.folder / called).read_bytes())
        assert content.shape[:2] == (self.height, self.width)
        return content

    def choose(self, *names: str) -> None:
        self.press("None")
        for name in names:
            self.page.get_by_role("checkbox", name=name).check()

    def fill(self) -> None:
        self.press("Inpaint")
        self.page.wait_for_selector("#progress:text-matches('done')")


@pytest.fixture
def demo(page: "Page", server: str, tmp_path: Path) -> Demo:
    return Demo(page, server, tmp_path)


def grid(height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Return every pixel's x and y, (height, width, 2)."""
    return np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1)


def swept(start: Pixel, end: Pixel, size: int, shape: tuple[int, int] = (HEIGHT, WIDTH)) -> np.ndarray:
    """Return which pixels have a centre at most size / 2 away from the line."""
    a, b = np.array(start), np.array(end)
    places = grid(*shape)
    length = ((b - a) ** 2).sum()
    along = ((places - a) @ (b - a) / length).clip(0, 1) if length else np.zeros(shape)
    nearest = a + along[..., None] * (b - a)
    return 4 * ((places - nearest) ** 2).sum(-1) <= size**2 + 1e-6


def boxed(a: Pixel, b: Pixel) -> np.ndarray:
    x, y = np.moveaxis(grid(), -1, 0)
    return (min(a[0], b[0]) <= x) & (x <= max(a[0], b[0])) & (min(a[1], b[1]) <= y) & (y <= max(a[1], b[1]))
