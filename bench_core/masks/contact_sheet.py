"""Overview of a mask set: counts of holes by kind, and an image of the first holes."""

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from bench_core.masks.hole_stats import BUCKETS, ratio_bucket
from bench_core.masks.mask_file import MaskFile
from bench_core.system import files

QUANTILES = (0.1, 0.5, 0.9)
COLUMNS = 12


def summarise(stats: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Count holes by bucket and border contact, and compute quantiles of the stroke width in pixels."""
    buckets = np.array([ratio_bucket(ratio) for ratio in stats["hole_ratio"]])
    contact = stats["border_contact"].astype(bool)
    inside = {name: buckets == name for name in (*BUCKETS, ">0.6")}
    counts = [
        {"hole_ratio": name, "border": (holes & contact).sum(), "no_border": (holes & ~contact).sum()}
        for name, holes in inside.items()
    ]
    widths = np.quantile(stats["stroke_width"], QUANTILES, method="lower")
    quantiles = [{"share": share, "pixels": width} for share, width in zip(QUANTILES, widths, strict=True)]
    return {"counts": counts, "mean_hole_ratio": stats["hole_ratio"].mean(), "stroke_width": quantiles}


def format_summary(summary: Mapping[str, Any]) -> str:
    """Format the result of `summarise` as lines of text."""
    lines = [f"{'hole ratio':12} {'border':>8} {'no border':>10}"]
    lines += [f"{each['hole_ratio']:12} {each['border']:8} {each['no_border']:10}" for each in summary["counts"]]
    lines.append(f"mean hole ratio {summary['mean_hole_ratio']:.4f}")
    widths = ", ".join(f"{each['pixels']:.1f} ({each['share']:.0%})" for each in summary["stroke_width"])
    return "\n".join([*lines, f"stroke width, the largest distance to a known pixel, quantiles: {widths}"])


def draw_contact_sheet(mask_file: MaskFile, path: Path, count: int) -> None:
    """Write a PNG of the first `count` holes, white = missing, above a histogram of all hole ratios."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    grid = _arrange([mask_file.hole(number) for number in range(min(count, len(mask_file)))])
    height = 10 * grid.shape[0] / grid.shape[1]
    figure = Figure(figsize=(10, height + 2.5), layout="constrained")
    FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=[height, 2.2])
    above.imshow(grid, cmap="gray", vmin=0, vmax=2, interpolation="antialiased")
    size = f"{mask_file.size} x {mask_file.size}"
    above.set_title(f"{mask_file.manifest['family']}, {size}, {mask_file.sha256[:12]}: white is missing")
    above.axis("off")
    below.hist(mask_file.stats["hole_ratio"], bins=np.linspace(0, 1, 51).tolist())
    below.set_xlabel("hole ratio")
    below.set_ylabel("holes")
    png = BytesIO()
    figure.savefig(png, format="png", dpi=120)
    files.write_bytes(path, png.getvalue())


def _arrange(holes: list[np.ndarray]) -> np.ndarray:
    """Arrange holes in rows: uint8 (height, width), 2 = missing, 0 = known, 1 = gap between holes."""
    size = holes[0].shape[0]
    gap = max(1, size // 16)
    columns = min(COLUMNS, len(holes))
    rows = -(-len(holes) // columns)
    grid = np.ones((rows * (size + gap) + gap, columns * (size + gap) + gap), np.uint8)
    for number, hole in enumerate(holes):
        row, column = divmod(number, columns)
        top, left = gap + row * (size + gap), gap + column * (size + gap)
        grid[top : top + size, left : left + size] = 2 * hole
    return grid
