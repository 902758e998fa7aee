"""Ending when asked to: by Ctrl-C, or by the SIGTERM of a machine that will be taken away."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import NoReturn

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupted(KeyboardInterrupt):
    """Raised where work is interrupted; processes that load images, too, take it for Ctrl-C."""

    number: int = signal.SIGINT


_held = False
_asked: int | None = None


@contextmanager
def handle_signals() -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM end the command with a message and the exit code 128 + signal."""
    global _asked
    main = threading.current_thread() is threading.main_thread()  # no other thread may set signals
    before = {number: signal.signal(number, _heed) for number in SIGNALS} if main else {}
    try:
        yield
    except KeyboardInterrupt as interrupt:
        print("Interrupted. Repeat the same command to go on from here.", file=sys.stderr)
        sys.exit(128 + getattr(interrupt, "number", signal.SIGINT))
    finally:
        _asked = None
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


@contextmanager
def defer_signals() -> Iterator[None]:
    """Let the first signal wait for the end of the block or for `raise_interrupted`. A second one does not wait."""
    global _held
    _held = True
    try:
        yield
    finally:
        _held = False
    if _asked is not None:
        raise _interrupted(_asked)


def stop_requested() -> bool:
    """Whether to come to an end."""
    return _asked is not None


def raise_interrupted() -> NoReturn:
    """Raise what ends the command, though it may be another rank that was asked to."""
    raise _interrupted(_asked or signal.SIGTERM)


def ignore_in_worker() -> None:
    """For a process that works for another one, which a terminal or a scheduler signals as well."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _heed(number: int, frame: FrameType | None) -> None:
    global _asked
    waits, _asked = _held and _asked is None, number
    if not waits:
        raise _interrupted(number)


def _interrupted(number: int) -> Interrupted:
    interrupted = Interrupted()
    interrupted.number = number
    return interrupted
