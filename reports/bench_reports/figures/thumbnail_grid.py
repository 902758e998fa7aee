"""Image grid of a run (grid.png): one row for each pair, with image, masked image and every composite."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench_core.store.store import CellStatus, Run, Store

NUM_PAIRS = 2
"""Number of rows for each mask set."""
GAP, LABEL_HEIGHT, MIN_SIDE = 4, 22, 128
"""Gaps, labels and images in pixels."""
BLANK = Image.new("RGB", (1, 1), "lightgrey")


def grid(store: Store, run: Run) -> bytes | None:
    """Draw the grid as a PNG; return None if no cell saved images."""
    entries = last_cells(run)
    rows = [
        load_images(store, entries, mask_set, pair)
        for mask_set in run.protocol.test_masks
        for pair in saved_pairs(store, entries, mask_set)[:NUM_PAIRS]
    ]
    if not rows:
        return None
    labels = ["image", "masked", *(entry.variant for entry in entries)]
    side = max(MIN_SIDE, rows[0][0].width)
    size = len(labels) * (side + GAP) + GAP, LABEL_HEIGHT + len(rows) * (side + GAP)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for column, label in enumerate(labels):
        left = GAP + column * (side + GAP)
        draw.text((left, 3), _fitted(label, side, font), fill="black", font=font)
        for row, images in enumerate(rows):
            image = images[column].resize((side, side), Image.Resampling.NEAREST)
            sheet.paste(image, (left, LABEL_HEIGHT + row * (side + GAP)))
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def last_cells(run: Run) -> list[CellStatus]:
    """Return one finished cell of each variant: that of its last seed."""
    return list({entry.variant: entry for entry in run.entries if entry.state == "done"}.values())


def saved_pairs(store: Store, entries: Sequence[CellStatus], mask_set: str) -> list[str]:
    """Return the numbers of the pairs whose images all cells saved."""
    folders = [folder for entry in entries if (folder := _samples(store, entry, mask_set))]
    numbers = [{path.name.partition("-")[0] for path in folder.glob("*-composite.png")} for folder in folders]
    return sorted(set.intersection(*numbers)) if numbers else []


def load_images(store: Store, entries: Sequence[CellStatus], mask_set: str, pair: str) -> list[Image.Image]:
    """Load image, masked image and every composite of a pair; blank for variants that do not support the mask set."""
    folders = [_samples(store, entry, mask_set) for entry in entries]
    first = next(folder for folder in folders if folder)
    return [
        _open(first / f"{pair}-image.png"),
        _open(first / f"{pair}-masked.png"),
        *(_open(folder / f"{pair}-composite.png") if folder else BLANK for folder in folders),
    ]


def _samples(store: Store, entry: CellStatus, mask_set: str) -> Path | None:
    evaluation_id = entry.evaluation_ids.get(mask_set)
    return store.folder(entry).examples_folder(evaluation_id) if evaluation_id else None


def _open(path: Path) -> Image.Image:
    with Image.open(path) as file:
        return file.convert("RGB")


def _fitted(label: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(label) > width:
        label = label[:-2] + "…"
    return label
