"""Synthetic store with images: four pairs of 32 pixels under one mask set, and its gallery."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from bench_core.store.store import CellStatus, Run, Store
from bench_reports.site import gallery
from bench_reports.site.pages import ASSETS
from support.stored_cells import KNOWN, done, run_of

Colour = tuple[int, int, int]

SIDE = 32
HOLE = np.zeros((SIDE, SIDE, 1), bool)
HOLE[8:24, 8:24] = True
GREY, WHITE = (200, 200, 200), (255, 255, 255)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def ground_truth(number: int) -> np.ndarray:
    """Return a grey image with one bright column, which differs between pairs."""
    image = np.full((SIDE, SIDE, 3), GREY, np.uint8)
    image[:, number] = 255
    return image


def save_images(store: Store, entry: CellStatus, numbers: Sequence[int], colour: Colour) -> None:
    """Save the images of a method that fills holes with one colour."""
    folder = store.folder(entry).path / "samples" / "evaluation"
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image = ground_truth(number)
        images = {
            "image": image,
            "masked": image * ~HOLE,
            "composite": np.where(HOLE, np.array(colour, np.uint8), image),
        }
        for name, pixels in images.items():
            Image.fromarray(pixels).save(folder / f"{number:06}-{name}.png")


def cell_with_images(
    store: Store,
    variant: str,
    colour: Colour,
    numbers: Sequence[int] = range(4),
    mask_set: str = "center",
    **values: Any,
) -> CellStatus:
    """Write a finished cell with values, and images of some pairs."""
    entry = done(store, variant, 0, mask_set, **values)
    save_images(store, entry, numbers, colour)
    return entry


def rename(store: Store, entry: CellStatus, names: Mapping[str, str]) -> None:
    """Change the names of images in the rows."""
    rows = store.folder(entry).rows("evaluation")
    store.folder(entry).add_rows("evaluation", rows.assign(image=rows["image"].replace(dict(names))))


def run_with(*entries: CellStatus, **fields: Any) -> Run:
    return run_of(*entries, **{"num_pairs": 4, **fields})


def site(folder: Path, store: Store, *runs: Run) -> Path:
    """Write the gallery alone, and return its page."""
    shutil.copytree(ASSETS, folder / "assets")
    assert gallery.write(folder, store, runs, KNOWN)
    return folder / "gallery.html"
