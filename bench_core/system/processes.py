"""This machine and its processes, as locks and temporary files name them."""

import os
import platform


def machine_name() -> str:
    """Name this machine, and the container if its processes have their own numbers."""
    try:
        return f"{platform.node()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return platform.node()


def is_running(pid: int) -> bool:
    """Return True if this machine has a process of that number, of any user."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs, but belongs to another user
        pass
    return True
