"""Graceful interruption by Ctrl-C or by the SIGTERM of a scheduler."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Interruption by a signal. As a KeyboardInterrupt it also ends processes that load images."""

    number: int = signal.SIGINT


_deferred = False
_received: int | None = None


@contextmanager
def handle_signals() -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM inside the block into a message and the exit code 128 + signal number."""
    global _received
    is_main = threading.current_thread() is threading.main_thread()  # Python sets signal handlers there only
    previous = {number: signal.signal(number, _on_signal) for number in SIGNALS} if is_main else {}
    try:
        yield
    except KeyboardInterrupt as interrupt:
        print("Interrupted. Repeat the same command to go on from here.", file=sys.stderr)
        sys.exit(128 + getattr(interrupt, "number", signal.SIGINT))
    finally:
        _received = None
        for number, handler in previous.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Defer the first signal to the end of the block or to `raise_interrupted`. A second signal interrupts at once."""
    global _deferred
    _deferred = True
    try:
        yield
    finally:
        _deferred = False
    if _received is not None:
        raise _interrupted(_received)


def stop_requested() -> bool:
    """Return True after a deferred signal."""
    return _received is not None


def raise_interrupted() -> NoReturn:
    """Interrupt the command, also if another rank received the signal."""
    raise _interrupted(_received or signal.SIGTERM)


def ignore_in_worker() -> None:
    """Ignore signals in a worker process: a terminal or scheduler signals the whole group, and the parent decides."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _on_signal(number: int, frame: FrameType | None) -> None:
    global _received
    waits, _received = _deferred and _received is None, number
    if not waits:
        raise _interrupted(number)


def _interrupted(number: int) -> Interrupted:
    interrupted = Interrupted()
    interrupted.number = number
    return interrupted
