"""All trackers of a cell as one."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rich.markup import escape

from bench_core.specs import Tracker, resolve
from bench_core.system.progress import console
from bench_core.training.trackers.events import told_before
from bench_core.training.trackers.tracker import CellTracker, TrackedCell


class TrackerGroup(CellTracker):
    """Passes everything on. A tracker that fails is told of, and left out from then on."""

    def __init__(self, trackers: Sequence[Tracker], store: Path) -> None:
        self._trackers, self._store = trackers, store
        self._open_trackers: dict[str, CellTracker] = {}
        self._told: dict[str, int] = {}

    def began(self, cell: TrackedCell) -> None:
        for tracker in self._trackers:
            self._try(tracker.name, partial(self._open, tracker, cell))

    def _open(self, record: Tracker, cell: TrackedCell) -> None:
        tracker: CellTracker = resolve(record.open)(self._store)
        tracker.began(cell)
        self._told = told_before(cell.folder)
        self._open_trackers[record.name] = tracker

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        # a training that goes on repeats the steps since its last checkpoint
        new = {name: value for name, value in values.items() if step > self._told.get(name, -1)}
        if new:
            self._each(lambda tracker: tracker.logged(step, new))

    def judged(self, mask_set: str, means: Mapping[str, float]) -> None:
        self._each(lambda tracker: tracker.judged(mask_set, means))

    def pictured(self, mask_set: str, picture: Path) -> None:
        self._each(lambda tracker: tracker.pictured(mask_set, picture))

    def ended(self, state: str, reason: str) -> None:
        self._each(lambda tracker: tracker.ended(state, reason))
        self._open_trackers = {}

    def _each(self, tell: Callable[[CellTracker], None]) -> None:
        for name, tracker in list(self._open_trackers.items()):
            self._try(name, partial(tell, tracker))

    def _try(self, name: str, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:  # the work is worth more than what is told of it
            self._open_trackers.pop(name, None)
            told = f"[red]--tracker {escape(name)} failed,[/] and the work goes on without it: "
            console.print(told + escape(f"{type(error).__name__}: {error}"))
