"""One cell's process, as its parent sees it."""

import os
import signal
import time
from collections.abc import Mapping
from multiprocessing.context import ForkServerContext, SpawnContext
from pathlib import Path

from bench_core.experiment.cell import Cell
from bench_core.experiment.executors.child import LOG, in_child

TERMINATE_TIMEOUT = 10.0
"""Seconds between terminating a process and killing it."""


class CellProcess:
    """A process that runs a cell. The cell's status is the last one that the process sent."""

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
        self.started, self.finished = time.monotonic(), False
        self.pipe, far = context.Pipe(duplex=False)
        inputs = (cell.context, cell.plugin, cell.variant, cell.seed, cell.place)
        self.process = context.Process(target=in_child, args=(far, {**os.environ, **pinned}, among, inputs))
        self.process.start()
        far.close()

    def has_ended(self) -> bool:
        """Return True if the process has ended, or is ended now because its time is up. The status then says how."""
        ended = not self.process.is_alive()
        self._receive()
        late = self.minutes is not None and time.monotonic() - self.started > 60 * self.minutes
        if self.finished:
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
        """Last line of the log, with the cell's title."""
        lines = self._log.read_text(errors="replace").splitlines() if self._log.is_file() else []
        return f"{self.cell.title}: {lines[-1] if lines else 'started'}"

    @property
    def _log(self) -> Path:
        return self.cell.context.store.folder(self.cell.status).path / LOG

    def _receive(self) -> None:
        try:
            while not self.finished and self.pipe.poll():
                self.cell.status, self.finished = self.pipe.recv()
        except (EOFError, OSError):  # the process has ended
            pass

    def _fail(self, reason: str) -> None:
        entry = self.cell.status
        entry.state, entry.reason = "failed", reason
        if entry.folder:
            text = f"The process {reason}. Its output is in {self._log}.\n"
            self.cell.context.store.folder(entry).fail(text)


def how_it_ended(code: int) -> str:
    """Put an exit code into words. A negative one is minus a signal."""
    if code >= 0:
        return f"ended early with exit code {code}"
    name = signal.Signals(-code).name
    return f"was killed by {name}" + (", which a system out of memory sends" if name == "SIGKILL" else "")
