"""Pictures side by side: a row for each pair, with the image, the masked image and what each method made of it."""

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
from bench_reports.figures.source import Source, looks
from bench_reports.figures.thumbnail_grid import PAIRS, kept, latest, pictures

GAP, LINE, BASE, LETTER = 0.03, 0.12, 0.02, 0.062
"""Inches between pictures, for a line of a heading, below its letters, and for one of them."""
PART = 4
"""The side of a magnified part is so much of the picture's side; it is shown twice as large."""
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
    """Pairs of one mask set, or of all, by the images' numbers; two of each mask set if none is asked for. `zoom`
    magnifies the part that is most difficult on average.

    Raises:
        BadInput: there is nothing to draw.
    """
    store, run, wanted = source.store, source.run, looks(source.run, methods)
    shown = [entry for entry in latest(run) if entry.variant in wanted]
    rows = [
        pictures(store, shown, of, pair)
        for of in ([source.mask_set(mask_set)] if mask_set else run.protocol.test_masks)
        for pair in _pairs(store, shown, of, images)
    ]
    if not rows:
        raise BadInput("There is nothing to draw: the cells of these methods have kept no pictures of the same pairs.")
    return _drawn(rows, ["image", "masked", *(entry.variant for entry in shown)], width, zoom)


def _pairs(store: Store, shown: Sequence[CellStatus], mask_set: str, images: Sequence[int]) -> list[str]:
    found = {str(int(number)): number for number in kept(store, shown, mask_set)}
    for number in map(str, images):
        if number not in found:
            raise BadInput(
                f"No pictures of image {number} were kept on {mask_set}. Kept: {', '.join(found) or 'none'}."
            )
    return [found[str(number)] for number in images] or list(found.values())[:PAIRS]


@style.rules()
def _drawn(rows: Sequence[Sequence[Image.Image]], names: Sequence[str], width: str, zoom: bool) -> Figure:
    across = style.WIDTHS[width]
    side = (across - GAP * (len(names) - 1)) / len(names)
    high = side * rows[0][0].height / rows[0][0].width
    headings = [wrap(style.plain(name, 60), max(4, int(side / LETTER))) for name in names]
    top = LINE * max(map(len, headings)) + GAP
    height = top + len(rows) * (high + GAP) - GAP
    figure = style.new(width, height, f"Pictures of {', '.join(names[2:])}")
    figure.set_layout_engine("none")
    for column, heading in enumerate(headings):
        left = column * (side + GAP)
        for up, part in enumerate(reversed(heading)):
            place = ((left + side / 2) / across, 1 - (top - GAP - BASE - up * LINE) / height)
            figure.text(*place, part, ha="center", va="baseline", fontsize=7)
        for row, line in enumerate(rows):
            bottom = height - top - high - row * (high + GAP)
            axes = figure.add_axes((left / across, bottom / height, side / across, high / height))
            _show(axes, line[column])
            if zoom:
                _magnify(axes, line[column], *_hardest(line))
    return figure


def _show(axes: Axes, picture: Image.Image) -> None:
    axes.imshow(picture)
    axes.set_axis_off()


def _hardest(line: Sequence[Image.Image]) -> tuple[int, int, int]:
    """Left, top and side of the square where composites are farthest from the image, in pixels."""
    image, _, *composites = line
    side = max(2, min(image.size) // PART)
    truth = np.asarray(image, float)
    of = [each for each in composites if each.size == image.size]
    error = sum((np.abs(np.asarray(each, float) - truth).mean(2) for each in of), np.zeros(truth.shape[:2]))
    inside = uniform_filter(error, side, mode="constant")[side // 2 :, side // 2 :]
    inside = inside[: image.height - side + 1, : image.width - side + 1]
    top, left = np.unravel_index(inside.argmax(), inside.shape)
    return int(left), int(top), side


def _magnify(axes: Axes, picture: Image.Image, left: int, top: int, side: int) -> None:
    """The part framed, and shown in the corner that is farthest from it."""
    if picture.size[0] < left + side:  # the blank of a method that cannot fill the hole
        return
    axes.add_patch(Rectangle((left - 0.5, top - 0.5), side, side, fill=False, edgecolor=FRAME, linewidth=0.8))
    width, height = (2 * side / whole for whole in picture.size)
    x = 1 - width if left + side / 2 < picture.width / 2 else 0
    y = 0 if top + side / 2 < picture.height / 2 else 1 - height
    inset = axes.inset_axes((x, y, width, height))
    inset.imshow(picture.crop((left, top, left + side, top + side)))
    inset.set(xticks=[], yticks=[])
    for spine in inset.spines.values():
        spine.set(visible=True, edgecolor=FRAME, linewidth=0.8)
