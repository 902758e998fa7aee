"""Curves of metrics against training steps, from what cells wrote down while they were trained."""

import json
from collections.abc import Mapping, Sequence
from io import BytesIO

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bench_core.store import Run, Store

COLUMNS = ["variant", "seed", "step", "mask_set", "metric", "value"]
PANEL = (4.2, 3.2)
"""Width and height of a panel, in inches."""


def read(store: Store, runs: Sequence[Run]) -> pd.DataFrame:
    """One row for every value: its variant, seed, step, mask set and metric. A cell in several runs counts once."""
    entries = {entry.folder: entry for run in runs for entry in run.entries if entry.folder}
    rows = []
    for folder, entry in entries.items():
        path = store.root / "cells" / folder / "curves.jsonl"
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            point = json.loads(line)
            rows += [
                (entry.variant, entry.seed, point["step"], point["mask_set"], metric, value)
                for metric, value in point["values"].items()
            ]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(COLUMNS[:-1], ignore_index=True)


def csv(curves: pd.DataFrame) -> bytes:
    return curves.to_csv(index=False).encode()


def draw(curves: pd.DataFrame, title: str, panels: Mapping[str, str], lines: Mapping[str, str], format_: str) -> bytes:
    """A picture, "svg" or "png", the same bytes for the same curves.

    `panels` are metrics with their titles, `lines` variants with their labels. A line is the mean over seeds, its
    band reaches from the lowest to the highest of them.
    """
    with mpl.rc_context({"svg.hashsalt": "inpaint-bench", "svg.fonttype": "path"}):
        figure = Figure(figsize=(PANEL[0] * len(panels), PANEL[1]), layout="constrained")
        figure.suptitle(title)
        for axes, (metric, name) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
            axes.set(title=name, xlabel="step")
            for variant, label in lines.items():
                chosen = curves[(curves["metric"] == metric) & (curves["variant"] == variant)]
                spread = chosen.groupby("step")["value"].agg(["mean", "min", "max"])
                axes.plot(spread.index, spread["mean"], label=label)
                axes.fill_between(spread.index, spread["min"], spread["max"], alpha=0.2)
            axes.legend()
        buffer = BytesIO()
        # a date or a version would make equal pictures differ
        figure.savefig(buffer, format=format_, metadata={"Date": None} if format_ == "svg" else {"Software": None})
    return buffer.getvalue()
