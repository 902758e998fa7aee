"""One cell's process, watched from outside."""

import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

from bench_core.experiment.cell import Cell
from bench_core.experiment.executors.child import LOG, in_child

TERMINATE_TIMEOUT = 10.0
"""Seconds between asking a process to end and killing it."""


class CellProcess:
    """A process that runs a cell, whose entry is what the process has told last."""

    def __init__(
        self,
        cell: Cell,
        context: ForkServerContext | SpawnContext,
        place: int,
        among: int,
        pinned: Mapping[str, str],
        minutes: float | None,
    ) -> None:
        self.cell, self.place, self.minutes = cell, place, minutes
        self.began, self.through = time.monotonic(), False
        self.pipe, far = context.Pipe(duplex=False)
        which = (cell.context, cell.plugin, cell.variant, cell.seed, cell.place)
        self.process = context.Process(target=in_child, args=(far, {**os.environ, **pinned}, among, which))
        self.process.start()
        far.close()

    def over(self) -> bool:
        """Whether the process has ended, or is ended now since its time is up; the entry then tells how it went."""
        ended = not self.process.is_alive()
        self._listen()
        late = self.minutes is not None and time.monotonic() - self.began > 60 * self.minutes
        if self.through:
            self.process.join(TERMINATE_TIMEOUT)
        elif ended:
            self._fail(how_it_ended(self.process.exitcode or 0))
        elif late:
            self._fail(f"took longer than {self.minutes:g} minutes")
        else:
            return False
        self.end()
        return True

    def end(self) -> None:
        self.process.terminate()
        self.process.join(TERMINATE_TIMEOUT)
        self.process.kill()
        self.process.join()
        self.pipe.close()

    @property
    def last_line(self) -> str:
        """Of the log."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.is_file() else []
        return f"{self.cell.title}: {lines[-1] if lines else 'has begun'}"

    @property
    def _log(self) -> Path:
        return self.cell.context.store.folder(self.cell.status).path / LOG

    def _listen(self) -> None:
        try:
            while not self.through and self.pipe.poll():
                self.cell.status, self.through = self.pipe.recv()
        except (EOFError, OSError):  # it has ended
            pass

    def _fail(self, reason: str) -> None:
        entry = self.cell.status
        entry.state, entry.reason = "failed", reason
        if entry.folder:
            text = f"The process {reason}. What it wrote until then is in {self._log}.\n"
            self.cell.context.store.folder(entry).fail(text)


def how_it_ended(code: int) -> str:
    """An exit code in words; a negative one is a signal's."""
    if code >= 0:
        return f"ended in its midst with exit code {code}"
    name = signal.Signals(-code).name
    return f"was killed by {name}" + (", as a system does that runs out of memory" if name == "SIGKILL" else "")
