"""Peak memory of a process."""

import re
from collections.abc import Callable
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")
RESET_PEAK = "5"
"""Resets the peak resident size when written to `CLEAR_REFS`; see proc(5)."""


def track_peak_memory(device: torch.device) -> Callable[[], float | None]:
    """Start tracking, and return a function that reads the peak in MiB.

    On CUDA the peak is the memory that torch has allocated. Elsewhere it is the growth of the process's resident size
    since this call, or None if the system does not report it.
    """
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return lambda: torch.cuda.max_memory_allocated(device) / 2**20
    if CLEAR_REFS.exists():
        CLEAR_REFS.write_text(RESET_PEAK)
    before = _status("VmRSS")

    def read() -> float | None:
        # A child inherits getrusage's peak from its parent, but not VmHWM.
        peak = _status("VmHWM")
        return None if peak is None or before is None else peak - before

    return read


def _status(entry: str) -> float | None:
    """Read one entry of Linux's status of this process, in MiB."""
    if not STATUS.is_file():
        return None
    found = re.search(rf"^{entry}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else None
