"""This machine and its processes, as locks and temporary files name them."""

import os
import platform
import threading
import time

POLL_SECONDS = 1.0


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


def end_with_parent() -> None:
    """End this process at once when the one that started it has ended, even while it waits in a library."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
