"""Tuning of glibc's malloc: keep freed memory instead of returning every large tensor to the kernel.

By default glibc requests each large block from the kernel, which zeroes its pages, and returns it when it is freed.
Networks on a CPU allocate such blocks all the time. See mallopt(3) for both settings.
"""

import ctypes
import os
import platform
from functools import cache

SWITCH = "BENCH_ALLOCATOR"
MMAP_THRESHOLD, TRIM_THRESHOLD = "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_"
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD = -3, -1
MMAP_THRESHOLD_BYTES = (1 << 30, 1 << 25)
"""Largest block that is kept when freed. Older versions of glibc accept the second value only."""
TRIM_THRESHOLD_BYTES = 2**31 - 1
"""Largest amount of freed memory that is kept; the maximum of mallopt."""


@cache
def tune_malloc() -> str:
    """Keep freed memory in this process and in its children. Return "" or the reason why nothing was changed."""
    if reason := why_not_tuned():
        return reason
    libc = ctypes.CDLL(None)
    block = next((size for size in MMAP_THRESHOLD_BYTES if libc.mallopt(_M_MMAP_THRESHOLD, size)), 0)
    if not block or not libc.mallopt(_M_TRIM_THRESHOLD, TRIM_THRESHOLD_BYTES):
        return "glibc refused"
    # children read the environment when they start; this process has already read it
    os.environ |= {MMAP_THRESHOLD: str(block), TRIM_THRESHOLD: str(TRIM_THRESHOLD_BYTES)}
    return ""


def why_not_tuned() -> str:
    """Return why the allocator must stay as it is, such as a user's own setting; "" if it may be tuned."""
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
