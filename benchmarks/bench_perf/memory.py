"""The most memory that a process has held."""

import re
from pathlib import Path

import torch

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
FORGET_PEAK = "5"
"""What Linux is told through that file, see proc(5)."""


class Memory:
    """Watches from now on: on CUDA what torch has allocated, elsewhere what the whole process holds beyond now."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if CLEAR.exists():
            CLEAR.write_text(FORGET_PEAK)
        self.before = _status("VmRSS")
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def peak(self) -> float | None:
        """In MiB; None where the system does not tell."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        most = _status("VmHWM")  # unlike getrusage's, not inherited from the parent
        return None if most is None or self.before is None else most - self.before


def _status(entry: str) -> float | None:
    """A line of Linux's account of this process, in MiB."""
    if not STATUS.is_file():
        return None
    found = re.search(rf"^{entry}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    return int(found[1]) / 1024 if found else None
