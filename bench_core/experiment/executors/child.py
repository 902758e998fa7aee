"""The main function of a cell's process."""

import faulthandler
import os
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from bench_core.experiment.cell import Cell
from bench_core.experiment.executors.worker import run_cell
from bench_core.system import signals
from bench_core.system.threads import share_cores

LOG = "log.txt"


def in_child(pipe: Connection, environment: Mapping[str, str], among: int, cell: tuple[Any, ...]) -> None:
    """Run a cell, one of `among` at a time. Send its status when its folder is known, and again when it is finished."""
    os.environ.update(environment)
    share_cores(among)
    with signals.handle_signals():
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # on Ctrl-C the parent ends its children
        threading.Thread(target=_end_with_parent, daemon=True).start()
        pipe.send((run_cell(*cell, around=partial(_log_output, pipe)), True))


@contextmanager
def _log_output(pipe: Connection, cell: Cell) -> Iterator[None]:
    """Send all output, even that of a crash, to a log in the cell's folder."""
    pipe.send((cell.status, False))
    with (cell.folder.path / LOG).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    faulthandler.enable()
    yield


def _end_with_parent() -> None:
    parent = parent_process()
    assert parent, "this is a child"
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
