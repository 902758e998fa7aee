"""Runs `bench` on a pseudo-terminal."""

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence


def run(words: Sequence[str], width: int = 80, **environment: str) -> str:
    """Run a command and return both output streams, from a terminal of this width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, width, 0, 0))
    changed = {"TERM": "xterm-256color", **environment}
    unset = {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}
    world = {key: value for key, value in os.environ.items() if key not in unset} | changed
    command = [sys.executable, "-m", "bench_core", *words]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=world) as process:
        os.close(theirs)
        written = b"".join(iter(lambda: _read(ours), b""))
        os.close(ours)
    assert process.returncode == 0, written.decode()
    return written.decode().replace("\r\n", "\n")


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # its other end is closed
        return b""
