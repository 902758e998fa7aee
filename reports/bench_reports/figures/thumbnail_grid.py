"""One picture of a run: a row for each pair, with the image, the masked image and every variant's composite."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench_core.store.store import CellStatus, Run, Store

PAIRS = 2
"""Rows for each mask set."""
GAP, LABEL = 4, 22
BLANK = Image.new("RGB", (1, 1), "lightgrey")


def grid(store: Store, run: Run) -> bytes | None:
    """A PNG; None where no cell has kept pictures."""
    shown = latest(run)
    rows = [
        pictures(store, shown, mask_set, pair)
        for mask_set in run.protocol.test_masks
        for pair in kept(store, shown, mask_set)[:PAIRS]
    ]
    if not rows:
        return None
    labels = ["image", "masked", *(entry.variant for entry in shown)]
    cell = max(128, rows[0][0].width)
    sheet = Image.new("RGB", (len(labels) * (cell + GAP) + GAP, LABEL + len(rows) * (cell + GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for column, label in enumerate(labels):
        left = GAP + column * (cell + GAP)
        draw.text((left, 3), _fitted(label, cell, font), fill="black", font=font)
        for row, line in enumerate(rows):
            picture = line[column].resize((cell, cell), Image.Resampling.NEAREST)
            sheet.paste(picture, (left, LABEL + row * (cell + GAP)))
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def latest(run: Run) -> list[CellStatus]:
    """One judged cell of each variant, of its last seed."""
    return list({entry.variant: entry for entry in run.entries if entry.state == "done"}.values())


def kept(store: Store, shown: Sequence[CellStatus], mask_set: str) -> list[str]:
    """The numbers of the pairs of which all these cells have kept pictures."""
    folders = [folder for entry in shown if (folder := _samples(store, entry, mask_set))]
    numbers = [{path.name.partition("-")[0] for path in folder.glob("*-composite.png")} for folder in folders]
    return sorted(set.intersection(*numbers)) if numbers else []


def pictures(store: Store, shown: Sequence[CellStatus], mask_set: str, pair: str) -> list[Image.Image]:
    """Image, masked image and every composite of a pair, blank where a variant cannot fill this mask set."""
    folders = [_samples(store, entry, mask_set) for entry in shown]
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
