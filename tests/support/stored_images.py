"""A made-up store with pictures: four pairs of 32 pixels under one mask set, and a gallery of it."""

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
TRUTH, WHITE = (200, 200, 200), (255, 255, 255)
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def truth(number: int) -> np.ndarray:
    """Grey, with the pair's number as a bright column, so that no two are equal."""
    picture = np.full((SIDE, SIDE, 3), TRUTH, np.uint8)
    picture[:, number] = 255
    return picture


def keep(store: Store, entry: CellStatus, numbers: Sequence[int], colour: Colour) -> None:
    """Pictures of an entry that fills holes with one colour."""
    folder = store.folder(entry).path / "samples" / "judgement"
    folder.mkdir(parents=True, exist_ok=True)
    for number in numbers:
        image = truth(number)
        shown = {
            "image": image,
            "masked": image * ~HOLE,
            "composite": np.where(HOLE, np.array(colour, np.uint8), image),
        }
        for name, picture in shown.items():
            Image.fromarray(picture).save(folder / f"{number:06}-{name}.png")


def painted(
    store: Store,
    variant: str,
    colour: Colour,
    numbers: Sequence[int] = range(4),
    mask_set: str = "center",
    **values: Sequence[float],
) -> CellStatus:
    """A finished cell with values, and pictures of some pairs."""
    entry = done(store, variant, 0, mask_set, **values)
    keep(store, entry, numbers, colour)
    return entry


def rename(store: Store, entry: CellStatus, names: Mapping[str, str]) -> None:
    """Give images other names in the rows."""
    rows = store.folder(entry).rows("judgement")
    store.folder(entry).add_rows("judgement", rows.assign(image=rows["image"].replace(dict(names))))


def run_with(*entries: CellStatus, **fields: Any) -> Run:
    return run_of(*entries, **{"num_pairs": 4, **fields})


def site(folder: Path, store: Store, *runs: Run) -> Path:
    """The gallery's page, without the rest of the site."""
    shutil.copytree(ASSETS, folder / "assets")
    assert gallery.write(folder, store, runs, KNOWN)
    return folder / "gallery.html"
