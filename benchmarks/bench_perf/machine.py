"""Description of the machine and the settings of a measurement."""

import os
import sys
from datetime import UTC, datetime
from typing import Any

from bench_core.system import allocator, environment
from bench_perf.settings import Settings

VARIABLES = (allocator.SWITCH, allocator.MMAP_THRESHOLD, allocator.TRIM_THRESHOLD, "LD_PRELOAD", "OMP_NUM_THREADS")
"""Environment variables that change timings. `bench` itself sets two of them, see `bench_core.system.allocator`."""


def metadata(settings: Settings) -> dict[str, Any]:
    """Collect the machine, versions, date, settings and current load."""
    return {
        "command": sys.argv[1:],
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": environment.device_name(settings.torch_device),
        **environment.environment(),
        "threads": settings.threads,
        "load": load_average(),
        "environment": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "scale": settings.scale,
        "seconds": settings.seconds,
        "rivals": {method: baseline.name for method, baseline in settings.baselines.items()},
    }


def load_average() -> float | None:
    """Return the average number of running or waiting processes of the last minute; None if the system has none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None
