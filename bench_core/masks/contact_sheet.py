"""A mask set to look at: a table of its kinds of holes, and a picture of the first ones."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bench_core.masks.hole_stats import TENTHS, bucket
from bench_core.masks.mask_file import MaskFile
from bench_core.system import files

QUANTILES = (0.1, 0.5, 0.9)
COLUMNS = 12


def summary(facts: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Counts of holes by bucket and border contact, and quantiles of the stroke width."""
    buckets = np.array([bucket(ratio) for ratio in facts["hole_ratio"]])
    contact = facts["border_contact"].astype(bool)
    found = {name: buckets == name for name in (*TENTHS, ">0.6")}
    counts = [
        {"hole_ratio": name, "border": (inside & contact).sum(), "no_border": (inside & ~contact).sum()}
        for name, inside in found.items()
    ]
    widths = np.quantile(facts["stroke_width"], QUANTILES, method="lower")
    quantiles = [{"share": share, "pixels": width} for share, width in zip(QUANTILES, widths, strict=True)]
    return {"counts": counts, "mean_hole_ratio": facts["hole_ratio"].mean(), "stroke_width": quantiles}


def table(told: Mapping[str, Any]) -> str:
    """A summary in lines."""
    lines = [f"{'hole ratio':12} {'border':>8} {'no border':>10}"]
    lines += [f"{each['hole_ratio']:12} {each['border']:8} {each['no_border']:10}" for each in told["counts"]]
    lines.append(f"mean hole ratio {told['mean_hole_ratio']:.4f}")
    widths = ", ".join(f"{each['pixels']:.1f} ({each['share']:.0%})" for each in told["stroke_width"])
    return "\n".join([*lines, f"stroke width, the largest distance to a known pixel, quantiles: {widths}"])


def draw(holes: MaskFile, path: Path, count: int) -> None:
    """Write a PNG of the first `count` holes, white = missing, above the histogram of all hole ratios."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sheet = contact_sheet([holes.hole(number) for number in range(min(count, len(holes)))])
    height = 10 * sheet.shape[0] / sheet.shape[1]
    figure = Figure(figsize=(10, height + 2.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=[height, 2.2])
    above.imshow(sheet, cmap="gray", vmin=0, vmax=2, interpolation="antialiased")
    above.set_title(f"{holes.manifest['family']}, {holes.size} x {holes.size}, {holes.sha256[:12]}: white is missing")
    above.axis("off")
    below.hist(holes.facts["hole_ratio"], bins=np.linspace(0, 1, 51).tolist())
    below.set_xlabel("hole ratio")
    below.set_ylabel("holes")
    picture = BytesIO()
    figure.savefig(picture, format="png", dpi=120)
    files.write_bytes(path, picture.getvalue())


def contact_sheet(holes: list[np.ndarray]) -> np.ndarray:
    """Holes side by side, uint8 (height, width): 2 = missing, 0 = known, 1 = between the holes."""
    size = holes[0].shape[0]
    gap = max(1, size // 16)
    columns = min(COLUMNS, len(holes))
    rows = -(-len(holes) // columns)
    sheet = np.ones((rows * (size + gap) + gap, columns * (size + gap) + gap), np.uint8)
    for number, hole in enumerate(holes):
        row, column = divmod(number, columns)
        top, left = gap + row * (size + gap), gap + column * (size + gap)
        sheet[top : top + size, left : left + size] = 2 * hole
    return sheet
