"""Interface of experiment trackers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class TrackedCell:
    """Description of a cell for its trackers."""

    name: str
    """Name that stays the same when work on the cell resumes."""
    folder: Path
    """Folder in which a tracker may keep a file of its own."""
    config: Mapping[str, Any]
    """Method, variant, seed, protocol and recipe, as plain data."""
    steps: int
    """Training steps; 0 for a training-free method."""


@runtime_checkable
class CellTracker(Protocol):
    """Tracker of one cell, from `start` to `finish`. A tracker that raises is reported once and then skipped.

    When an interrupted training resumes, a new tracker is started. It receives only steps that were not logged before.
    """

    def start(self, cell: TrackedCell) -> None:
        """Start or resume the cell."""

    def log(self, step: int, values: Mapping[str, float]) -> None:
        """Log loss terms, ``NETWORK/TERM``, or mean metrics of the first test images, ``curves/MASK_SET/METRIC``."""

    def log_metrics(self, mask_set: str, means: Mapping[str, float]) -> None:
        """Log the final mean metrics of a mask set."""

    def log_image(self, mask_set: str, path: Path) -> None:
        """Log a PNG of a composite."""

    def finish(self, state: str, reason: str) -> None:
        """Finish the cell. Its state is "done", "failed" with a reason, or "pending" if it was interrupted."""
