"""Thread counts of processes that run side by side, so that they do not compete for cores."""

import os
import sys
from functools import cache

import cv2


def usable_cores() -> int:
    """Count the cores that this process may use. A container or taskset may allow fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def use_one_thread(worker: int = 0) -> None:
    """Compute on one thread from now on. The unused `worker` lets a DataLoader call this in its workers."""
    set_threads(1)


def share_cores(num_processes: int) -> None:
    """Use an equal share of the cores among `num_processes`, or OMP_NUM_THREADS if that is smaller."""
    limit = os.environ.get("OMP_NUM_THREADS", "")
    share = max(1, usable_cores() // num_processes)
    set_threads(min(share, int(limit)) if limit.isdecimal() else share)


def set_threads(threads: int) -> None:
    """Set the threads of OpenCV, of torch if it is loaded, and of libraries that are loaded later."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    cv2.setNumThreads(threads)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(threads)


@cache
def prepare_fork_safety() -> None:
    """Give every process that is forked from now on one OpenCV thread. This process keeps its own threads.

    OpenCV's thread pool does not survive a fork. The child would wait for it forever when it changes the thread count.
    So the pool is stopped before the fork and started again afterwards.
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=_stop_threads, after_in_parent=lambda: cv2.setNumThreads(_stopped.pop()))


_stopped: list[int] = []


def _stop_threads() -> None:
    _stopped.append(cv2.getNumThreads())
    cv2.setNumThreads(1)
