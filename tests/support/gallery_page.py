"""Synthetic gallery in a browser: build it, open it, and read what it shows."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench_core.store.store import CellStatus, Store
from support.stored_images import BLUE, GREEN, RED, WHITE, cell_with_images, run_with, site

if TYPE_CHECKING:
    from playwright.sync_api import Page

PSNR = {"red": [10, 20, 30, 40], "green": [25, 21, 29, 12], "blue": [26, 35, 28, 13]}
L1 = {"red": [0.4, 0.1, 0.3, 0.2], "green": [0.2, 0.2, 0.2, 0.2], "blue": [0.1, 0.2, 0.3, 0.45]}


def made(folder: Path) -> str:
    """Build a gallery of five methods: one lacks an image, one has two pairs only, and one failed."""
    store = Store(folder / "store")
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    entries = [
        cell_with_images(store, name, colour, [0, 1, 3] if name == "blue" else range(4), psnr=PSNR[name], l1=L1[name])
        for name, colour in colours.items()
    ]
    few = cell_with_images(store, "few", WHITE, [0, 1], psnr=[15, 14])
    failed = CellStatus("lost", "lost", 0, "failed", reason="RuntimeError: no memory")
    return site(folder / "site", store, run_with(*entries, few, failed)).as_uri()


def opened(page: "Page", address: str, **state: str) -> "Page":
    """Open the gallery with a state in its address."""
    page.goto("about:blank")
    page.goto(address + "#" + "&".join(f"{name}={value}" for name, value in state.items()))
    page.locator(".stage").scroll_into_view_if_needed()
    return page


def colour(page: "Page", x: float, y: float = 0.3) -> tuple[int, ...]:
    """Return the colour at a place of the stage, in fractions of its sides."""
    image = np.asarray(Image.open(BytesIO(page.locator(".stage").screenshot())).convert("RGB"))
    height, width, _ = image.shape
    return tuple(image[int(y * height), int(x * width)].tolist())


def names(page: "Page") -> list[str]:
    return page.locator(".strip .name").all_inner_texts()


def at(page: "Page", x: float, y: float = 0.5) -> tuple[float, float]:
    """Return the position on the page of a place of the stage."""
    box = page.locator(".stage").bounding_box()
    assert box
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def zooms(page: "Page") -> list[list[float]]:
    """Return scale, left and top of every image, in fractions of its frame."""
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
    """Wait for a scale; return scale, left and top, which must be equal for all images."""
    found = zooms(page)
    for _ in range(100):
        if reached(found[0][0]):
            break
        found = zooms(page)
    assert reached(found[0][0]) and len(found) == 9  # two sides, ground truth, masked image, and five methods
    for each in found[1:]:
        assert each == pytest.approx(found[0], abs=0.01)
    return found[0]
