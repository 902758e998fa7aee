"""What a tracker is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True)
class TrackedCell:
    """What a tracker is told of a cell when work on it begins."""

    name: str
    """The same whenever work on the cell goes on."""
    folder: Path
    """Where a tracker may keep a file of its own."""
    about: Mapping[str, Any]
    """Method, variant, seed, protocol and recipe, as plain data."""
    steps: int
    """Of its training; 0 where nothing is trained."""


@runtime_checkable
class CellTracker(Protocol):
    """Follows one cell, from `began` to `ended`. Whatever it raises is told once, and the work goes on without it.

    A training that goes on after an interruption is followed anew, and its steps begin after those that were told
    before. No step is told twice.
    """

    def began(self, cell: TrackedCell) -> None:
        """Work begins or goes on."""

    def logged(self, step: int, values: Mapping[str, float]) -> None:
        """Loss terms, ``NETWORK/TERM``, or means over the first test images, ``curves/MASK_SET/METRIC``."""

    def judged(self, mask_set: str, means: Mapping[str, float]) -> None:
        """The final means of metrics."""

    def pictured(self, mask_set: str, picture: Path) -> None:
        """A PNG of what was painted."""

    def ended(self, state: str, reason: str) -> None:
        """The work is "done", has "failed" for this reason, or is "pending" since it was interrupted."""
