"""What a measurement was made on."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

from bench_core.system import allocator, environment
from bench_perf.settings import Settings

TELLING = (allocator.SWITCH, allocator.MMAP_THRESHOLD, allocator.TRIM_THRESHOLD, "LD_PRELOAD", "OMP_NUM_THREADS")
"""Environment variables that are known to change times. `bench` sets two of them, see `bench_core.system.allocator`."""


def facts(settings: Settings) -> dict[str, Any]:
    """Machine, versions, date, settings, and how busy the machine is with other work."""
    return {
        "command": sys.argv[1:],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": environment.device_name(settings.place),
        **environment.environment(),
        "threads": settings.threads,
        "load": load(),
        "environment": {name: os.environ[name] for name in TELLING if name in os.environ},
        "scale": settings.scale,
        "seconds": settings.seconds,
        "rivals": {name: baseline.name for name, baseline in settings.baselines.items()},
    }


def load() -> float | None:
    """Processes that ran or waited to run in the last minute, on average; None where the system does not tell."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
