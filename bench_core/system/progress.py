"""Progress of long work on standard error: a bar on a terminal, otherwise a plain line every few seconds."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

LINE_SECONDS = 15.0
"""Seconds between plain lines."""
clock = time.monotonic


def open_console(stderr: bool = False) -> Console:
    """Create a console that writes no escape codes if ``NO_COLOR`` is set or the terminal is dumb.

    On its own rich drops only colours for ``NO_COLOR``, and assumes 80 columns for a dumb terminal.
    """
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in ("dumb", "unknown")
    return Console(stderr=stderr, highlight=False, force_terminal=False if plain else None)


console = open_console(stderr=True)


class ProgressBar:
    """Progress callback. The rate is averaged over the last 30 seconds."""

    def __init__(self, progress: Progress, task: Task) -> None:
        self._progress, self._task, self._last_line = progress, task, clock()

    def __call__(self, done: int, note: str = "") -> None:
        """Set the number of finished units, and a note that is shown beside the bar."""
        self._progress.update(self._task.id, completed=done, note=note)
        due = clock() - self._last_line > LINE_SECONDS or self._task.finished
        if self._progress.disable and due:
            console.print(_format_line(self._task), markup=False, soft_wrap=True)
            self._last_line = clock()

    def skip_to(self, done: int) -> None:
        """Set the number of finished units without counting them in the rate."""
        self._task.completed = done


@contextmanager
def progress_bar(title: str, total: int, unit: str = "images", each: float = 1.0) -> Iterator[ProgressBar]:
    """Show progress while the block runs; yields the callback that updates it.

    Args:
        unit: plural noun of the rate; empty hides the rate.
        each: units in one step of `total`, such as the images of a batch.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    columns = (*columns, _FormatColumn(_format_rate), _FormatColumn(_format_time_left))
    note = TextColumn("{task.fields[note]}", markup=False)
    progress = Progress(*columns, note, console=console, get_time=clock, disable=not console.is_terminal)
    task = progress.add_task(title, total=total, unit=unit, each=each, note="")
    with nullcontext() if progress.disable else progress:
        yield ProgressBar(progress, progress.tasks[task])


class _FormatColumn(ProgressColumn):
    def __init__(self, format_task: Callable[[Task], str]) -> None:
        self._format_task = format_task
        super().__init__()

    def render(self, task: Task) -> Text:
        return Text(self._format_task(task))


def _format_line(task: Task) -> str:
    done = f"{task.description}: {task.completed:g}/{task.total:g} after {task.elapsed or 0:.0f} s"
    parts = ", ".join(filter(None, [done, _format_rate(task), _format_time_left(task)]))
    return "  ".join(filter(None, [parts, task.fields["note"]]))


def _format_rate(task: Task) -> str:
    """Format units per second with three digits; empty before the second update."""
    if not task.speed or not task.fields["unit"]:
        return ""
    speed = task.speed * task.fields["each"]
    return f"{speed:.3g} {task.fields['unit']}/s" if speed < 100 else f"{speed:,.0f} {task.fields['unit']}/s"


def _format_time_left(task: Task) -> str:
    if task.finished or task.time_remaining is None:
        return ""
    return f"{timedelta(seconds=task.time_remaining)} left"


def format_losses(values: dict[str, float]) -> str:
    """Format loss terms as a progress note, such as ``l1 0.12  adversarial 0.5``."""
    return "  ".join(f"{name.rpartition('/')[2]} {value:.3g}" for name, value in values.items())
