"""Threads of processes that work side by side: each of many takes one, so that they do not fight for the cores."""

import os
import sys
from functools import cache

import cv2


def usable_cores() -> int:
    """Cores that this process may run on, which in a container or under taskset are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_one_thread(worker: int = 0) -> None:
    """Compute on one thread from now on: for a process that is one of several. `worker` is its number, of no matter."""
    set_threads(1)


def share_cores(among: int) -> None:
    """Take this process's part of the cores from now on, of which OMP_NUM_THREADS may allow fewer."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    part = max(1, usable_cores() // among)
    set_threads(min(part, int(allowed)) if allowed.isdecimal() else part)


def set_threads(threads: int) -> None:
    """Compute on so many. Torch is told where it is loaded already; what is loaded later reads the environment."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    cv2.setNumThreads(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


@cache
def prepare_fork_safety() -> None:
    """From now on a forked process has one OpenCV thread. This process keeps all of its own.

    OpenCV's waiting threads do not live on in a fork, which then waits for them without end as soon as it changes their
    number. So they are ended before the fork and made again behind it.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_end_threads, after_in_parent=lambda: cv2.setNumThreads(_before.pop()))


_before: list[int] = []


def _end_threads() -> None:
    _before.append(cv2.getNumThreads())
    cv2.setNumThreads(1)
