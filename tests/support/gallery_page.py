"""The gallery in a browser: a made-up one, how it is opened, and what is seen of it."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from bench_core.store.store import CellStatus, Store
from support.stored_images import BLUE, GREEN, RED, WHITE, painted, run_with, site

if TYPE_CHECKING:
    from playwright.sync_api import Page

PSNR = {"red": [10, 20, 30, 40], "green": [25, 21, 29, 12], "blue": [26, 35, 28, 13]}
L1 = {"red": [0.4, 0.1, 0.3, 0.2], "green": [0.2, 0.2, 0.2, 0.2], "blue": [0.1, 0.2, 0.3, 0.45]}


def made(folder: Path) -> str:
    """Three methods, one of which lacks a picture; one that was measured on two pairs only; and one that failed."""
    store = Store(folder / "store")
    colours = {"red": RED, "green": GREEN, "blue": BLUE}
    entries = [
        painted(store, name, colour, [0, 1, 3] if name == "blue" else range(4), psnr=PSNR[name], l1=L1[name])
        for name, colour in colours.items()
    ]
    few = painted(store, "few", WHITE, [0, 1], psnr=[15, 14])
    failed = CellStatus("lost", "lost", 0, "failed", reason="RuntimeError: no memory")
    return site(folder / "site", store, run_with(*entries, few, failed)).as_uri()


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
