"""Keeping freed memory at hand, in place of giving it back to the kernel after every large tensor.

By default glibc takes each large block from the kernel, which fills its pages with zeros, and gives it back when it is
freed. Networks on a CPU allocate such blocks all the time. See mallopt(3) for both settings.
"""

import ctypes
import os
import platform
from functools import cache

SWITCH = "BENCH_ALLOCATOR"
MMAP_THRESHOLD, TRIM_THRESHOLD = "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
LARGEST_BLOCKS = (1 << 30, 1 << 25)
"""Bytes up to which a freed block is kept; older versions of glibc take the second value only."""
LARGEST_REST = 2**31 - 1
"""Bytes of freed memory that are kept: mallopt takes no more."""


@cache
def tune_malloc() -> str:
    """Let this process, and those that it starts, keep what they free; returns "" or why everything was left as it was.

    A running process is told by mallopt, those that it starts by the environment.
    """
    if reason := why_not_tuned():
        return reason
    libc = ctypes.CDLL(None)
    block = next((size for size in LARGEST_BLOCKS if libc.mallopt(_M_MMAP_THRESHOLD, size)), 0)
    if not block or not libc.mallopt(_M_TRIM_THRESHOLD, LARGEST_REST):
        return "glibc refused"
    os.environ |= {MMAP_THRESHOLD: str(block), TRIM_THRESHOLD: str(LARGEST_REST)}
    return ""


def why_not_tuned() -> str:
    """Why this process's allocator is left as it is; "" where nothing speaks against a change."""
    if os.environ.get(SWITCH, "").lower() in ("off", "0"):
        return f"{SWITCH}={os.environ[SWITCH]}"
    if platform.libc_ver()[0] != "glibc":
        return "this system's C library is not glibc"
    for name in (MMAP_THRESHOLD, TRIM_THRESHOLD):
        if name in os.environ:
            return f"{name}={os.environ[name]} is set already"
    for name in ("LD_PRELOAD", "GLIBC_TUNABLES"):
        if "malloc" in os.environ.get(name, ""):
            return f"{name}={os.environ[name]} chooses the allocator"
    return ""
