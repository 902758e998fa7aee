"""One picture of a run: a row for each pair, with the image, the masked image and every variant's composite."""

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from bench_core.store import Entry, Run, Store

PAIRS = 2
"""Rows for each mask set."""
GAP, LABEL = 4, 22
BLANK = Image.new("RGB", (1, 1), "lightgrey")


def grid(store: Store, run: Run) -> bytes | None:
    """A PNG; None where no cell has kept pictures."""
    shown = list({entry.variant: entry for entry in run.entries if entry.state == "done"}.values())
    rows = [row for mask_set in run.protocol.test_masks for row in _rows(store, shown, mask_set)[:PAIRS]]
    if not rows:
        return None
    labels = ["image", "masked", *(entry.variant for entry in shown)]
    cell = max(128, rows[0][0].width)
    sheet = Image.new("RGB", (len(labels) * (cell + GAP) + GAP, LABEL + len(rows) * (cell + GAP)), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=13)
    for column, label in enumerate(labels):
        left = GAP + column * (cell + GAP)
        draw.text((left, 3), _fitted(label, cell, font), fill="black", font=font)
        for row, pictures in enumerate(rows):
            picture = pictures[column].resize((cell, cell), Image.Resampling.NEAREST)
            sheet.paste(picture, (left, LABEL + row * (cell + GAP)))
    buffer = BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()


def _rows(store: Store, shown: list[Entry], mask_set: str) -> list[list[Image.Image]]:
    """The pictures of every pair that all variants have kept, blank where one cannot fill this mask set."""
    samples = [
        store.root / "cells" / entry.folder / "samples" / entry.judgements[mask_set]
        if mask_set in entry.judgements
        else None
        for entry in shown
    ]
    folders = [folder for folder in samples if folder]
    kept = [{path.name.partition("-")[0] for path in folder.glob("*-composite.png")} for folder in folders]
    pairs = sorted(set.intersection(*kept)) if kept else []
    return [
        [
            _open(folders[0] / f"{pair}-image.png"),
            _open(folders[0] / f"{pair}-masked.png"),
            *(_open(folder / f"{pair}-composite.png") if folder else BLANK for folder in samples),
        ]
        for pair in pairs
    ]


def _open(path: Path) -> Image.Image:
    with Image.open(path) as file:
        return file.convert("RGB")


def _fitted(label: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while font.getlength(label) > width:
        label = label[:-2] + "…"
    return label
