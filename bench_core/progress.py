"""Progress of long work: bars on a terminal, a plain line now and then elsewhere. All of it on standard error."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from bench_core import terminal

LINE_EVERY = 15.0
"""Seconds between lines where no bar can be drawn."""

console = terminal.console(stderr=True)


@contextmanager
def tracking(title: str, total: int) -> Iterator[Callable[[int, str], None]]:
    """Yields a function that is told how much is done, and a note to show beside it."""
    if console.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, TimeRemainingColumn(), TextColumn("{task.fields[note]}"), console=console) as progress:
            task = progress.add_task(title, total=total, note="")
            yield lambda done, note="": progress.update(task, completed=done, note=note)
        return
    began = told = time.monotonic()

    def tell(done: int, note: str = "") -> None:
        nonlocal told
        now = time.monotonic()
        if now - told > LINE_EVERY or done >= total:
            text = f"{title}: {done}/{total} after {now - began:.0f} s  {note}".rstrip()
            console.print(text, markup=False, soft_wrap=True)
            told = now

    yield tell


def shown(values: dict[str, float]) -> str:
    """Loss terms as a note."""
    return "  ".join(f"{name.rpartition('/')[2]} {value:.3g}" for name, value in values.items())
