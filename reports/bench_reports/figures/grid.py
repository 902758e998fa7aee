"""Figure of images: one row for each pair, with ground truth, masked image and every composite."""

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from scipy.ndimage import uniform_filter

from bench_core.errors import BadInput
from bench_core.store.store import CellStatus, Store
from bench_reports.figures import style
from bench_reports.figures.source import Source, method_styles
from bench_reports.figures.thumbnail_grid import NUM_PAIRS, last_cells, load_images, saved_pairs

GAP, LINE, BASELINE, LETTER = 0.03, 0.12, 0.02, 0.062
"""Inches between images, for a line of a heading, below its letters, and for the width of a letter."""
ZOOM_FRACTION = 4
"""Side of an image divided by the side of its magnified part, which is shown twice as large."""
FRAME = style.COLOURS[1]


def draw(
    source: Source,
    *,
    mask_set: str = "",
    width: str = "page",
    methods: Sequence[str] = (),
    images: Sequence[int] = (),
    zoom: bool = False,
) -> Figure:
    """Draw pairs by the numbers of their images; by default the first two of each mask set.

    `zoom` magnifies the part with the largest mean error.

    Raises:
        BadInput: there is nothing to draw.
    """
    store, run, selected = source.store, source.run, method_styles(source.run, methods)
    entries = [entry for entry in last_cells(run) if entry.variant in selected]
    rows = [
        load_images(store, entries, name, pair)
        for name in ([source.mask_set(mask_set)] if mask_set else run.protocol.test_masks)
        for pair in _pairs(store, entries, name, images)
    ]
    if not rows:
        raise BadInput("There is nothing to draw: the cells of these methods saved no images of the same pairs.")
    return _draw_rows(rows, ["image", "masked", *(entry.variant for entry in entries)], width, zoom)


def _pairs(store: Store, entries: Sequence[CellStatus], mask_set: str, images: Sequence[int]) -> list[str]:
    saved = {str(int(number)): number for number in saved_pairs(store, entries, mask_set)}
    for number in map(str, images):
        if number not in saved:
            raise BadInput(f"Image {number} was not saved on {mask_set}. Saved: {', '.join(saved) or 'none'}.")
    return [saved[str(number)] for number in images] or list(saved.values())[:NUM_PAIRS]


@style.figure_style()
def _draw_rows(rows: Sequence[Sequence[Image.Image]], names: Sequence[str], width: str, zoom: bool) -> Figure:
    full_width = style.WIDTHS[width]
    side = (full_width - GAP * (len(names) - 1)) / len(names)
    image_height = side * rows[0][0].height / rows[0][0].width
    headings = [wrap(style.printable(name, 60), max(4, int(side / LETTER))) for name in names]
    top = LINE * max(map(len, headings)) + GAP
    height = top + len(rows) * (image_height + GAP) - GAP
    figure = style.new_figure(width, height, f"Images of {', '.join(names[2:])}")
    figure.set_layout_engine("none")
    for column, heading in enumerate(headings):
        left = column * (side + GAP)
        for line, part in enumerate(reversed(heading)):
            place = ((left + side / 2) / full_width, 1 - (top - GAP - BASELINE - line * LINE) / height)
            figure.text(*place, part, ha="center", va="baseline", fontsize=7)
        for row, images in enumerate(rows):
            bottom = height - top - image_height - row * (image_height + GAP)
            axes = figure.add_axes((left / full_width, bottom / height, side / full_width, image_height / height))
            axes.imshow(images[column])
            axes.set_axis_off()
            if zoom:
                _magnify(axes, images[column], *_worst_part(images))
    return figure


def _worst_part(images: Sequence[Image.Image]) -> tuple[int, int, int]:
    """Return left, top and side, in pixels, of the square with the largest mean error of the composites."""
    image, _, *composites = images
    side = max(2, min(image.size) // ZOOM_FRACTION)
    ground_truth = np.asarray(image, float)
    whole = [each for each in composites if each.size == image.size]
    error = sum((np.abs(np.asarray(each, float) - ground_truth).mean(2) for each in whole), np.zeros(image.size[::-1]))
    inside = uniform_filter(error, side, mode="constant")[side // 2 :, side // 2 :]
    inside = inside[: image.height - side + 1, : image.width - side + 1]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return int(left), int(top), side


def _magnify(axes: Axes, image: Image.Image, left: int, top: int, side: int) -> None:
    """Frame a part, and show it magnified in the opposite corner."""
    if image.size[0] < left + side:  # blank image of a method that does not support the hole
        return
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=FRAME, linewidth=0.8))
    width, height = (2 * side / whole for whole in image.size)
    x = 1 - width if left + side / 2 < image.width / 2 else 0
    y = 0 if top + side / 2 < image.height / 2 else 1 - height
    inset = axes.inset_axes((x, y, width, height))
    inset.imshow(image.crop((left, top, left + side, top + side)))
    inset.set(xticks=[], yticks=[])
    for spine in inset.spines.values():
        spine.set(visible=True, edgecolor=FRAME, linewidth=0.8)
