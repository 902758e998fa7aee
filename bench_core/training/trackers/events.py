"""What a cell tells its trackers, from what it has stored."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from bench_core.protocol import Protocol
from bench_core.specs import Metric
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus
from bench_core.training.log import curve_points
from bench_core.training.trackers.tracker import CellTracker, TrackedCell

PICTURES = 4
"""Of each mask set, the most that are shown."""


def tracked(folder: CellFolder, entry: CellStatus, protocol: Protocol) -> TrackedCell:
    about = {**folder.identity, "variant": entry.variant, "protocol": protocol.model_dump(mode="json")}
    return TrackedCell(folder.path.name, folder.path, about, folder.identity.get("steps", 0))


def tell_judged(
    tracker: CellTracker, folder: CellFolder, entry: CellStatus, mask_set: str, wanted: Sequence[Metric]
) -> None:
    """The means of metrics that have just been measured, and some pictures."""
    if not wanted:
        return
    judgement = entry.evaluation_ids[mask_set]
    rows = folder.rows(judgement)
    tracker.judged(mask_set, means(rows[rows["metric"].isin([metric.definition for metric in wanted])]))
    for picture in sorted(folder.examples_folder(judgement).glob("*-composite.png"))[:PICTURES]:
        tracker.pictured(mask_set, picture)


def means(rows: pd.DataFrame) -> dict[str, float]:
    """Of every metric in the rows."""
    return {str(metric): float(of["value"].mean()) for metric, of in rows.groupby("metric", sort=False, observed=True)}


def told_before(folder: Path) -> dict[str, int]:
    """For every name that an earlier attempt on a cell has told, its last step."""
    cell = CellFolder(folder, {})
    points = [(line["step"], line) for line in cell.losses()]
    points += [(line["step"], curve_points(line["mask_set"], line["values"])) for line in cell.curves()]
    return {name: step for step, values in points for name in values}
