"""Progress of long work: bars on a terminal, a plain line now and then elsewhere. All of it on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from bench_core.system import terminal

LINE_SECONDS = 15.0
"""Seconds between lines where no bar can be drawn."""

console = terminal.console(stderr=True)
clock = time.monotonic


class ProgressBar:
    """Is told how much is done. What is done a second is reckoned from the last 30 seconds."""

    def __init__(self, progress: Progress, task: Task) -> None:
        self._progress, self._task, self._lined = progress, task, clock()

    def __call__(self, done: int, note: str = "") -> None:
        """So much is done by now; the note stands beside it."""
        self._progress.update(self._task.id, completed=done, note=note)
        due = clock() - self._lined > LINE_SECONDS or self._task.finished
        if self._progress.disable and due:
            console.print(line(self._task), markup=False, soft_wrap=True)
            self._lined = clock()

    def skip_to(self, done: int) -> None:
        """So much was done before, by an earlier run, and took no time."""
        self._task.completed = done


@contextmanager
def progress_bar(title: str, total: int, unit: str = "images", each: float = 1.0) -> Iterator[ProgressBar]:
    """Yields what is told how much is done.

    Args:
        unit: what is done a second, in the plural; none is shown if empty.
        each: how many of these there are in one of `total`.
    """
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    told = (_Told(rate), _Told(left), TextColumn("{task.fields[note]}", markup=False))
    progress = Progress(*columns, *told, console=console, get_time=clock, disable=not console.is_terminal)
    task = progress.add_task(title, total=total, unit=unit, each=each, note="")
    with nullcontext() if progress.disable else progress:
        yield ProgressBar(progress, progress.tasks[task])


class _Told(ProgressColumn):
    def __init__(self, tell: Callable[[Task], str]) -> None:
        self._tell = tell
        super().__init__()

    def render(self, task: Task) -> Text:
        return Text(self._tell(task))


def line(task: Task) -> str:
    """All about a task, as plain text."""
    done = f"{task.description}: {task.completed:g}/{task.total:g} after {task.elapsed or 0:.0f} s"
    return "  ".join(filter(None, [", ".join(filter(None, [done, rate(task), left(task)])), task.fields["note"]]))


def rate(task: Task) -> str:
    """As soon as there is one, since the first telling."""
    if not task.speed or not task.fields["unit"]:
        return ""
    speed = task.speed * task.fields["each"]
    return f"{speed:.3g} {task.fields['unit']}/s" if speed < 100 else f"{speed:,.0f} {task.fields['unit']}/s"


def left(task: Task) -> str:
    if task.finished or task.time_remaining is None:
        return ""
    return f"{timedelta(seconds=task.time_remaining)} left"


def format_losses(values: dict[str, float]) -> str:
    """Loss terms as a note."""
    return "  ".join(f"{name.rpartition('/')[2]} {value:.3g}" for name, value in values.items())
