"""Stored training curves, and the figures of curves in papers."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from textwrap import wrap

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from bench_core.errors import BadInput
from bench_core.paper_table import PaperTable
from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.store import Run, Store
from bench_reports.papers.measured import find

COLUMNS = ["variant", "seed", "step", "mask_set", "metric", "value"]
PANEL = (4.2, 3.2)
"""Width and height of a panel in inches."""


def read_curves(store: Store, runs: Sequence[Run]) -> pd.DataFrame:
    """Read all points of all curves, with the columns `COLUMNS`. A cell that several runs share counts once."""
    entries = {entry.folder: entry for run in runs for entry in run.entries if entry.folder}
    rows = []
    for entry in entries.values():
        for point in store.folder(entry).curves():
            rows += [
                (entry.variant, entry.seed, point["step"], point["mask_set"], metric, value)
                for metric, value in point["values"].items()
            ]
    return pd.DataFrame(rows, columns=COLUMNS).sort_values(COLUMNS[:-1], ignore_index=True)


def draw_paper_figure(
    paper: PaperTable,
    protocols: Mapping[str, Protocol],
    store: Store | None,
    runs: Sequence[Run],
    known: Mapping[str, Metric],
    format_: str,
) -> tuple[bytes, bytes]:
    """Reproduce a paper's figure as "svg" or "png"; return it and its numbers as CSV. It shows measured values only.

    Raises:
        BadInput: no run of its protocol has curves.
    """
    (group,) = paper.groups
    measured = find(store, runs, protocols[group.protocol], known)
    curves = read_curves(store, [measured.run]) if store and measured else pd.DataFrame(columns=COLUMNS)
    labels = {request: label for label, request in paper.methods.items()}
    curves = curves[curves["variant"].isin(labels) & (curves["mask_set"] == group.mask_set)]
    if not measured or curves.empty:
        raise BadInput(
            f"There are no curves of {', '.join(paper.methods)} under {group.protocol}: run `bench tables run` first."
        )
    panels = {how.definition: name for name, how in paper.metrics.items()}
    remarks = [*measured.changes, *_missing_seeds(measured.run, curves)]
    title = "\n".join([f"{paper.title} (measured)", *wrap("; ".join(remarks), 100)])
    return draw_panels(curves, title, panels, labels, format_), curves.to_csv(index=False).encode()


def _missing_seeds(run: Run, curves: pd.DataFrame) -> list[str]:
    """Name the seeds of the drawn variants that have no curve."""
    drawn = set(zip(curves["variant"], curves["seed"], strict=True))
    variants = {variant for variant, _ in drawn}
    missing = [entry for entry in run.entries if entry.variant in variants and (entry.variant, entry.seed) not in drawn]
    return [f"{entry.title}, is missing ({entry.state})" for entry in missing]


def draw_panels(
    curves: pd.DataFrame, title: str, panels: Mapping[str, str], labels: Mapping[str, str], format_: str
) -> bytes:
    """Draw one panel for each metric and one line for each variant, as "svg" or "png".

    `panels` maps metrics to titles, `labels` variants to labels. A line is the mean over seeds, with a band from the
    lowest to the highest seed.
    """
    with mpl.rc_context({"svg.hashsalt": "inpaint-bench", "svg.fonttype": "path"}):
        figure = Figure(figsize=(PANEL[0] * len(panels), PANEL[1]), layout="constrained")
        figure.suptitle(title, fontsize="medium")
        for axes, (metric, name) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
            axes.set(title=name, xlabel="step")
            for variant, label in labels.items():
                chosen = curves[(curves["metric"] == metric) & (curves["variant"] == variant)]
                spread = chosen.groupby("step")["value"].agg(["mean", "min", "max"])
                axes.plot(spread.index, spread["mean"], label=label)
                axes.fill_between(spread.index, spread["min"], spread["max"], alpha=0.2)
            axes.legend()
        buffer = BytesIO()
        # a date or a version would make equal figures differ
        figure.savefig(buffer, format=format_, metadata={"Date": None} if format_ == "svg" else {"Software": None})
    return buffer.getvalue()
