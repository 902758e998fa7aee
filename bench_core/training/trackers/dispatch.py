"""Dispatch of a cell's events and stored results to all of its trackers."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from rich.markup import escape

from bench_core.protocol import Protocol
from bench_core.specs import Metric, Tracker, resolve
from bench_core.store.cell_folder import CellFolder
from bench_core.store.store import CellStatus
from bench_core.system.progress import console
from bench_core.training.log import curve_points
from bench_core.training.trackers.tracker import CellTracker, TrackedCell

MAX_IMAGES = 4
"""Images of each mask set that are logged."""


class TrackerGroup(CellTracker):
    """Group of trackers that receive the same events. A tracker that fails is reported, and skipped from then on."""

    def __init__(self, trackers: Sequence[Tracker], store: Path) -> None:
        self._records, self._store = trackers, store
        self._trackers: dict[str, CellTracker] = {}
        self._last_logged: dict[str, int] = {}

    def start(self, cell: TrackedCell) -> None:
        for record in self._records:
            self._try(record.name, partial(self._start, record, cell))

    def _start(self, record: Tracker, cell: TrackedCell) -> None:
        tracker: CellTracker = resolve(record.open)(self._store)
        tracker.start(cell)
        self._last_logged = last_logged_steps(cell.folder)
        self._trackers[record.name] = tracker

    def log(self, step: int, values: Mapping[str, float]) -> None:
        # a training that resumes repeats the steps since its last checkpoint
        new = {name: value for name, value in values.items() if step > self._last_logged.get(name, -1)}
        if new:
            self._each(lambda tracker: tracker.log(step, new))

    def log_metrics(self, mask_set: str, means: Mapping[str, float]) -> None:
        self._each(lambda tracker: tracker.log_metrics(mask_set, means))

    def log_image(self, mask_set: str, path: Path) -> None:
        self._each(lambda tracker: tracker.log_image(mask_set, path))

    def finish(self, state: str, reason: str) -> None:
        self._each(lambda tracker: tracker.finish(state, reason))
        self._trackers = {}

    def _each(self, call: Callable[[CellTracker], None]) -> None:
        for name, tracker in list(self._trackers.items()):
            self._try(name, partial(call, tracker))

    def _try(self, name: str, call: Callable[[], Any]) -> None:
        try:
            call()
        except Exception as error:  # a broken tracker must not cost a training
            self._trackers.pop(name, None)
            message = f"[red]--tracker {escape(name)} failed,[/] continuing without it: "
            console.print(message + escape(f"{type(error).__name__}: {error}"))


def tracked_cell(folder: CellFolder, status: CellStatus, protocol: Protocol) -> TrackedCell:
    """Describe a cell for its trackers."""
    config = {**folder.identity, "variant": status.variant, "protocol": protocol.model_dump(mode="json")}
    return TrackedCell(folder.path.name, folder.path, config, folder.identity.get("steps", 0))


def log_evaluation(
    tracker: CellTracker, folder: CellFolder, status: CellStatus, mask_set: str, metrics: Sequence[Metric]
) -> None:
    """Log the means of newly measured metrics, and at most `MAX_IMAGES` saved composites."""
    if not metrics:
        return
    evaluation_id = status.evaluation_ids[mask_set]
    rows = folder.rows(evaluation_id)
    tracker.log_metrics(mask_set, means(rows[rows["metric"].isin([metric.definition for metric in metrics])]))
    for path in sorted(folder.examples_folder(evaluation_id).glob("*-composite.png"))[:MAX_IMAGES]:
        tracker.log_image(mask_set, path)


def means(rows: pd.DataFrame) -> dict[str, float]:
    """Return the mean value of every metric in the rows."""
    groups = rows.groupby("metric", sort=False, observed=True)["value"]
    return {str(metric): float(values.mean()) for metric, values in groups}


def last_logged_steps(folder: Path) -> dict[str, int]:
    """Return the last step that earlier attempts on a cell have logged, by name of the value."""
    cell = CellFolder(folder, {})
    points = [(line["step"], line) for line in cell.losses()]
    points += [(line["step"], curve_points(line["mask_set"], line["values"])) for line in cell.curves()]
    return {name: step for step, values in points for name in values}
