"""Plot how costs grow, from growth.json into docs/: python reports/performance/growth_plots.py"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

MEASURED = Path(__file__).parent / "growth.json"
DOCS = Path(__file__).resolve().parents[2] / "docs"
LABELS = {
    "size": "image side, pixels",
    "batch": "batch of images of 256 pixels",
    "images": "evaluated images of 64 pixels",
    "cells": "cells of a table",
}
COSTS = {"seconds": "time, s", "mib": "peak memory, MiB"}


def draw(measured: Path, folder: Path) -> None:
    """Write one SVG for each part. Equal measurements give equal bytes."""
    description, curves = describe(measured), json.loads(measured.read_text(encoding="utf-8"))["curves"]
    for part in dict.fromkeys(curve["against"] for curve in curves):
        with mpl.rc_context({"svg.hashsalt": "inpaint-bench", "svg.fonttype": "none"}):
            figure = _figure([curve for curve in curves if curve["against"] == part], LABELS[part])
            figure.savefig(folder / f"growth-{part}.svg", metadata={"Date": None, "Description": description})


def describe(measured: Path) -> str:
    """Name the measurements that a plot was drawn from."""
    return f"{measured.name}, sha256 {sha256(measured.read_bytes()).hexdigest()}"


def _figure(curves: list[dict[str, Any]], label: str) -> Figure:
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    numbers = sorted({point["number"] for curve in curves for point in curve["points"]})
    for axes, (cost, title) in zip(figure.subplots(1, len(COSTS)), COSTS.items(), strict=True):
        axes.set(title=title, xlabel=label, xscale="log", yscale="log")
        axes.set_xticks(numbers, map(str, numbers))
        axes.set_xticks([], minor=True)
        for curve in curves:
            known = [point for point in curve["points"] if point[cost]]
            power = curve["powers"][cost]
            axes.plot(
                [point["number"] for point in known],
                [point[cost] for point in known],
                marker="o",
                label=curve["name"] if power is None else f"{curve['name']}, power {power:.2f}",
            )
        axes.legend(fontsize="small")
    return figure


if __name__ == "__main__":
    draw(MEASURED, DOCS)
